import { eventLog, type StoredEvent } from "@holdfast/events";
import type { Store } from "@holdfast/storage";
import * as z from "zod";
import { EVENT_STREAM_TYPE, eventSourceBody, type SentMessage } from "../event-source.ts";
import { asProblem } from "../known-failures.ts";
import type { Metrics } from "../metrics.ts";
import { problemOf } from "../problem.ts";
import { defineRoute } from "../route.ts";
import { eventExample } from "./examples.ts";
import { hasRun, unknown } from "./find-run.ts";
import { pathIdSchema, wordSchema } from "./parameters.ts";
import { checkBounds, definedFields, eventConditions } from "./simulations.ts";

const HEADERS = {
  "content-type": `${EVENT_STREAM_TYPE}; charset=utf-8`,
  // Proxies that buffer answers would keep the events.
  "x-accel-buffering": "no",
} as const;

const lastEventIdSchema = z.string().min(1).max(256).optional();

const tail = defineRoute({
  path: "/simulations/{simulation_id}/events/stream",
  operationId: "streamEvents",
  tag: "simulations",
  summary: "Live tail",
  description:
    "Events as they are appended, as server-sent events: data is the event, id its event_id. It begins with what comes from now on, with from=start at the first event, and after Last-Event-ID where a client was cut off, without a gap or a repeat. A comment is sent when nothing happens. When the stream cannot go on, its last message has the name problem and is a problem document.",
  params: z.object({ simulation_id: pathIdSchema }),
  query: z.object({
    ...eventConditions,
    from: wordSchema(["now", "start"], "Where to begin without an id to go on after; default now").optional(),
    last_event_id: lastEventIdSchema.describe(
      "As the header Last-Event-ID, for clients that cannot send it; the header counts",
    ),
  }),
  headers: { "Last-Event-ID": lastEventIdSchema.describe("Id of the last event the client has") },
  answer: {
    description: "The events",
    type: EVENT_STREAM_TYPE,
    schema: z.string(),
    example: `id: ${eventExample.event_id}\ndata: ${JSON.stringify(eventExample)}\n\n`,
  },
  problems: ["NOT_FOUND", "TOO_MANY_TAILS"],
  async handle({ store, params: { simulation_id }, query, header, headOnly, signal, settings }) {
    checkBounds(query);
    if (!(await hasRun(store, simulation_id))) throw unknown("simulation", simulation_id);
    const { from, last_event_id, ...filter } = query;
    const after = header("last-event-id") || last_event_id;
    const log = eventLog(store, simulation_id);
    if (after !== undefined && (await log.get(after)) === undefined)
      throw unknown("event to go on after", after);
    if (headOnly) return { status: 200, headers: HEADERS, body: undefined };

    const { tails, metrics, heartbeatMs, fault } = settings;
    const place = tails.open();
    try {
      signal().addEventListener("abort", () => place.abort(), { once: true });
      const events = log.follow(definedFields(filter), {
        ...(after === undefined ? { from: from ?? "now" } : { after }),
        signal: place.signal,
      });
      // Follow looks the end up first: once this is known too, what is appended after the headers were seen is not missed.
      if (after === undefined) await store.logs.head(`runs/${simulation_id}/events`);
      const body = eventSourceBody(messagesOf(events, metrics), {
        heartbeatMs,
        check: () => goneMessage(store, simulation_id),
        onError: (error) => {
          fault(error);
          return problemMessage(error);
        },
        onEnd: () => tails.end(place),
      });
      return { status: 200, headers: HEADERS, body };
    } catch (error) {
      tails.end(place);
      throw error;
    }
  },
});

async function* messagesOf(
  events: AsyncIterable<StoredEvent>,
  metrics: Metrics,
): AsyncGenerator<SentMessage> {
  for await (const event of events) {
    metrics.tailed();
    yield { id: event.event_id, data: JSON.stringify(event) };
  }
}

/** What a client is told of a run that was removed while it was followed. */
async function goneMessage(store: Store, simulationId: string): Promise<SentMessage | undefined> {
  return (await hasRun(store, simulationId))
    ? undefined
    : problemMessage(unknown("simulation", simulationId));
}

function problemMessage(error: unknown): SentMessage {
  return { event: "problem", data: JSON.stringify(problemOf(asProblem(error))) };
}

/** Live tails of event streams. */
export const eventTailRoutes = [tail];
