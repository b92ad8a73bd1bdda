import {
  type EventSummary,
  eventFilterSchema,
  eventLog,
  eventSummaries,
  storedEventSchema,
} from "@holdfast/events";
import { parseTimestamp } from "@holdfast/storage";
import * as z from "zod";
import { codeOf } from "../known-failures.ts";
import { jsonReply } from "../reply.ts";
import { refuseParameter } from "../request-input.ts";
import { defineRoute } from "../route.ts";
import { causeExample, eventExample, summaryExample } from "./examples.ts";
import { hasRun, unknown } from "./find-run.ts";
import { nextCursorSchema, pathIdSchema } from "./parameters.ts";

/** Events each way that one answer about causes holds at most. */
const MAX_CAUSALITY_EVENTS = 10_000;

/** Header of answers that left out lines which are no events. */
const CORRUPT_LINES = "x-holdfast-corrupt-lines";

const { limit, offset, cursor, newest_first, ...conditions } = eventFilterSchema.shape;

/** The filters of pages and live tails. */
export const eventConditions = conditions;

const summarySchema = z.object({
  id: z.string().describe("Id of the run"),
  name: z.string().describe("Its name; its id where nothing says it"),
  start_time: z
    .string()
    .describe("When it was started, RFC 3339; the time of its first event where nothing says it"),
  event_count: z.int().min(0).describe("How many events its stream has"),
}) satisfies z.ZodType<EventSummary>;

const list = defineRoute({
  path: "/simulations",
  operationId: "listSimulations",
  tag: "simulations",
  summary: "Event streams",
  description: "Every run that has an event stream, by id: also one whose files were put there by hand.",
  answer: {
    description: "The streams",
    schema: z.object({ simulations: z.array(summarySchema) }),
    example: { simulations: [summaryExample] },
  },
  problems: [],
  async handle({ store }) {
    return jsonReply({ simulations: await eventSummaries(store) });
  },
});

/** Bounds that exclude each other ask for nothing, which is a slip. */
const eventQuery = z.object({ ...conditions, limit, offset, cursor, newest_first });

const events = defineRoute({
  path: "/simulations/{simulation_id}/events",
  operationId: "queryEvents",
  tag: "simulations",
  summary: "Events",
  description:
    "Events of one stream, over all its files, by time and then by id. All filters that are given must hold; bounds are inclusive; event_types and agent_ids may be repeated, and any of them will do. Page on with cursor, or with offset.",
  params: z.object({ simulation_id: pathIdSchema }),
  query: eventQuery,
  answer: {
    description: "A page of events, and how many match in all",
    schema: z.object({
      events: z.array(storedEventSchema),
      total: z.int().min(0).describe("How many events match, on all pages"),
      has_more: z.boolean(),
      next_cursor: nextCursorSchema,
    }),
    example: { events: [causeExample, eventExample], total: 2, has_more: false, next_cursor: null },
    headers: {
      "X-Holdfast-Corrupt-Lines": z
        .string()
        .regex(/^\d+$/)
        .optional()
        .describe("How many lines of the stream are no events and were left out; absent when none"),
    },
  },
  problems: ["NOT_FOUND"],
  async handle({ store, params: { simulation_id }, query, settings, signal }) {
    checkBounds(query);
    try {
      const page = await eventLog(store, simulation_id).query(definedFields(query), { signal: signal() });
      if (page.total === 0 && page.corrupt_lines === 0 && !(await hasRun(store, simulation_id))) {
        throw unknown("simulation", simulation_id);
      }
      settings.metrics.corruptLines(simulation_id, page.corrupt_lines);
      const { events: found, total, has_more, next_cursor = null, corrupt_lines } = page;
      return jsonReply(
        { events: found, total, has_more, next_cursor },
        corrupt_lines === 0 ? {} : { [CORRUPT_LINES]: String(corrupt_lines) },
      );
    } catch (error) {
      if (codeOf(error) === "EVENT_FILTER")
        refuseParameter("query", "cursor", "is none that this server gave");
      throw error;
    }
  },
});

const one = defineRoute({
  path: "/simulations/{simulation_id}/events/{event_id}",
  operationId: "getEvent",
  tag: "simulations",
  summary: "An event",
  description: "One event by its id.",
  params: z.object({ simulation_id: pathIdSchema, event_id: pathIdSchema }),
  answer: { description: "The event", schema: storedEventSchema, example: eventExample },
  problems: ["NOT_FOUND"],
  async handle({ store, params: { simulation_id, event_id } }) {
    const event = await eventLog(store, simulation_id).get(event_id);
    if (event === undefined) throw await unknownEvent(store, simulation_id, event_id);
    return jsonReply(event);
  },
});

const levelSchema = z.object({
  depth: z.int().min(1).describe("Steps from the event that was asked about"),
  events: z.array(storedEventSchema).describe("Each event once, at its least depth"),
  missing: z
    .array(z.string())
    .describe("Ids that the level before names as causes, and that the stream does not hold"),
});

const causality = defineRoute({
  path: "/simulations/{simulation_id}/causality/{event_id}",
  operationId: "getCausality",
  tag: "simulations",
  summary: "What led to an event, and what came of it",
  description: `Follows caused_by both ways, level by level; cycles end by themselves. At most ${MAX_CAUSALITY_EVENTS} events each way; truncated says whether there were more.`,
  params: z.object({ simulation_id: pathIdSchema, event_id: pathIdSchema }),
  query: z.object({
    depth: z
      .int("must be a whole number from 1 to 20")
      .min(1, "must be a whole number from 1 to 20")
      .max(20, "must be a whole number from 1 to 20")
      .default(5)
      .describe("How many levels each way"),
  }),
  answer: {
    description: "The event with its causes and its consequences",
    schema: z.object({
      event_id: z.string(),
      event: storedEventSchema,
      upstream: z.array(levelSchema).describe("Its causes, their causes, ..."),
      downstream: z.array(levelSchema).describe("What names it as a cause, what names that, ..."),
      truncated: z.boolean().describe("Whether there were more events than one answer holds"),
    }),
    example: {
      event_id: eventExample.event_id,
      event: eventExample,
      upstream: [{ depth: 1, events: [causeExample], missing: [] }],
      downstream: [],
      truncated: false,
    },
  },
  problems: ["NOT_FOUND"],
  async handle({ store, params: { simulation_id, event_id }, query: { depth }, signal }) {
    const options = { depth, maxEvents: MAX_CAUSALITY_EVENTS, signal: signal() };
    const found = await eventLog(store, simulation_id).causality(event_id, options);
    if (found === undefined) throw await unknownEvent(store, simulation_id, event_id);
    return jsonReply(found);
  },
});

/** The problem of an event that is not there: its simulation may not be there either. */
async function unknownEvent(
  store: Parameters<typeof hasRun>[0],
  simulationId: string,
  eventId: string,
): Promise<Error> {
  return (await hasRun(store, simulationId))
    ? unknown("event", eventId)
    : unknown("simulation", simulationId);
}

/** What must hold between parameters. */
export function checkBounds(query: {
  readonly turn_start?: number | undefined;
  readonly turn_end?: number | undefined;
  readonly start_timestamp?: string | undefined;
  readonly end_timestamp?: string | undefined;
  readonly offset?: number | undefined;
  readonly cursor?: string | undefined;
}): void {
  const { turn_start = 0, turn_end, start_timestamp, end_timestamp, offset: skipped, cursor: place } = query;
  if (turn_end !== undefined && turn_end < turn_start) {
    refuseParameter("query", "turn_end", "must not be before turn_start");
  }
  if (start_timestamp !== undefined && end_timestamp !== undefined) {
    if (parseTimestamp(end_timestamp) < parseTimestamp(start_timestamp)) {
      refuseParameter("query", "end_timestamp", "must not be before start_timestamp");
    }
  }
  if (skipped !== undefined && place !== undefined) {
    refuseParameter("query", "offset", "cannot stand beside cursor: give one of them");
  }
}

/** A filter without what was not given. */
export function definedFields<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}

/** Pages of event streams, single events, causes. */
export const simulationRoutes = [list, events, causality];
/** What would also match the path of a stream. */
export const eventRoutes = [one];
