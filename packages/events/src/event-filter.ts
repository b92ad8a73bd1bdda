import { type Filter, parseTimestamp, timestampSchema } from "@holdfast/storage";
import * as z from "zod";
import { EventError } from "./errors.ts";
import { eventTypeSchema } from "./verbosity.ts";

/** Most events of one page. */
export const MAX_EVENTS_PER_PAGE = 10_000;
const DEFAULT_LIMIT = 1_000;

const turnSchema = z.int().min(0);

/** Which events: everything that is given must hold, bounds are inclusive, a list names alternatives. */
export const eventFilterSchema = z
  .strictObject({
    event_types: z.array(eventTypeSchema).min(1).optional().describe("Any of these types"),
    agent_ids: z.array(z.string().min(1)).min(1).optional().describe("Of any of these agents"),
    turn_start: turnSchema.optional().describe("From this turn"),
    turn_end: turnSchema.optional().describe("To this turn; not before turn_start"),
    start_timestamp: timestampSchema.optional().describe("From this moment, RFC 3339"),
    end_timestamp: timestampSchema.optional().describe("To this moment, RFC 3339"),
    limit: z
      .int()
      .min(1)
      .max(MAX_EVENTS_PER_PAGE)
      .default(DEFAULT_LIMIT)
      .describe(`Events a page, 1 to ${MAX_EVENTS_PER_PAGE}`),
    offset: z.int().min(0).optional().describe("Events to skip"),
    cursor: z.string().min(1).optional().describe("next_cursor of the page before, instead of an offset"),
    newest_first: z.boolean().optional().describe("The last event first"),
  })
  .refine(({ turn_start, turn_end }) => turn_end === undefined || turn_end >= (turn_start ?? 0), {
    path: ["turn_end"],
    error: "must not be before turn_start",
  })
  .refine(({ offset, cursor }) => offset === undefined || cursor === undefined, {
    path: ["offset"],
    error: "cannot stand beside a cursor",
  });

/** Which events, and which page of them. */
export type EventFilter = z.input<typeof eventFilterSchema>;
/** A filter with its defaults. */
export type CheckedEventFilter = z.output<typeof eventFilterSchema>;

/**
 * Checks a filter.
 *
 * @throws {EventError} `EVENT_FILTER`, with the name of the field as `path`.
 */
export function checkEventFilter(filter: EventFilter): CheckedEventFilter {
  const checked = eventFilterSchema.safeParse(filter);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  const path = issue?.path.join(".") ?? "";
  throw new EventError(
    "EVENT_FILTER",
    `Cannot search with this filter: "${path}" ${issue?.message ?? "is wrong"}`,
    {
      path,
      cause: checked.error,
    },
  );
}

/** The filter as a search by marks. */
export function markFilter(filter: CheckedEventFilter): Filter {
  const { event_types, agent_ids, turn_start, turn_end, start_timestamp, end_timestamp } = filter;
  return {
    ...(event_types !== undefined && { types: event_types }),
    ...(agent_ids !== undefined && { agents: agent_ids }),
    ...(turn_start !== undefined && { turnStart: turn_start }),
    ...(turn_end !== undefined && { turnEnd: turn_end }),
    ...(start_timestamp !== undefined && { from: parseTimestamp(start_timestamp) }),
    ...(end_timestamp !== undefined && { to: parseTimestamp(end_timestamp) }),
  };
}
