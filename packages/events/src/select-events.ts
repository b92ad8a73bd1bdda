import type { Store } from "@holdfast/storage";
import { EventError } from "./errors.ts";
import { checkEventFilter, type EventFilter, markFilter } from "./event-filter.ts";
import { EVERY_EVENT, eventsIn, findPage } from "./find-events.ts";
import type { StoredEvent } from "./stored-event.ts";

const EVENTS_A_READ = 1_000;

/** A filter, with as many events as are wanted. */
export interface EventSelection extends Omit<EventFilter, "limit"> {
  /** From 1. Default: all. */
  readonly limit?: number | undefined;
}

/** All events that a filter asks for, in order of the stream, a page at a time. */
export async function* selectEvents(
  store: Store,
  runId: string,
  { limit = Number.POSITIVE_INFINITY, ...given }: EventSelection = {},
  options: { readonly signal?: AbortSignal } = {},
): AsyncGenerator<StoredEvent> {
  const { cursor: start, offset = 0, newest_first: newestFirst = false, ...filter } = checkEventFilter(given);
  if (!(limit >= 1)) {
    const said = `Cannot search with this filter: "limit" is a whole number from 1, not ${limit}`;
    throw new EventError("EVENT_FILTER", said, { path: "limit" });
  }
  const marks = { ...EVERY_EVENT, ...markFilter(filter) };
  let left = limit;
  for (let cursor = start, skip = offset; left > 0; skip = 0) {
    const page = await findPage(store, runId, marks, {
      limit: Math.min(left, EVENTS_A_READ),
      newestFirst,
      ...(skip > 0 && { offset: skip }),
      ...(cursor !== undefined && { cursor }),
      ...options,
    });
    yield* eventsIn(page.items, runId);
    left -= page.items.length;
    if (page.cursor === undefined) return;
    cursor = page.cursor;
  }
}
