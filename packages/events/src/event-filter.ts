import { type Filter, parseTimestamp, timestampSchema } from "@holdfast/storage";
import * as z from "zod";
import { EventError } from "./errors.ts";
import { eventTypeSchema } from "./verbosity.ts";

/** Most events of one page. */
export const MAX_EVENTS_PER_PAGE = 10_000;
const DEFAULT_LIMIT = 1_000;

const fromZero = "must be a whole number from 0";
const turnSchema = z.int(fromZero).min(0, fromZero);
const limitText = `must be a whole number from 1 to ${MAX_EVENTS_PER_PAGE}`;
const emptyText = "must not be empty";

/** Which events: everything that is given must hold, bounds are inclusive, a list names alternatives. */
export const eventFilterSchema = z
  .strictObject({
    event_types: z.array(eventTypeSchema).min(1, emptyText).optional().describe("Any of these types"),
    agent_ids: z
      .array(z.string().min(1, emptyText))
      .min(1, emptyText)
      .optional()
      .describe("Of any of these agents"),
    turn_start: turnSchema.optional().describe("From this turn"),
    turn_end: turnSchema.optional().describe("To this turn; not before turn_start"),
    start_timestamp: timestampSchema.optional().describe("From this moment, RFC 3339"),
    end_timestamp: timestampSchema
      .optional()
      .describe("To this moment, RFC 3339; not before start_timestamp"),
    limit: z
      .int(limitText)
      .min(1, limitText)
      .max(MAX_EVENTS_PER_PAGE, limitText)
      .default(DEFAULT_LIMIT)
      .describe(`Events a page, 1 to ${MAX_EVENTS_PER_PAGE}`),
    offset: z.int(fromZero).min(0, fromZero).optional().describe("Events to skip"),
    cursor: z
      .string()
      .min(1, emptyText)
      .optional()
      .describe("next_cursor of the page before, instead of an offset"),
    newest_first: z.boolean().optional().describe("The last event first"),
  })
  .refine(({ turn_start, turn_end }) => turn_end === undefined || turn_end >= (turn_start ?? 0), {
    path: ["turn_end"],
    error: "must not be before turn_start",
  })
  .refine(({ start_timestamp, end_timestamp }) => !isBefore(end_timestamp, start_timestamp), {
    path: ["end_timestamp"],
    error: "must not be before start_timestamp",
  })
  .refine(({ offset, cursor }) => offset === undefined || cursor === undefined, {
    path: ["offset"],
    error: "cannot stand beside a cursor",
  });

/** False where one of them is not given, or no moment: that is an issue of its own. */
function isBefore(a: string | undefined, b: string | undefined): boolean {
  try {
    return a !== undefined && b !== undefined && parseTimestamp(a) < parseTimestamp(b);
  } catch {
    return false;
  }
}

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
