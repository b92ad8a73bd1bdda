import type { Filter, FindOptions, LogLine, Page, Store } from "@holdfast/storage";
import { EventError } from "./errors.ts";
import { eventKey } from "./event-key.ts";
import { readStreamEvent, type StoredEvent } from "./stored-event.ts";
import { EVENT_TYPES } from "./verbosity.ts";

/** The marks that every event has: what lacks one of them is none, and must not be counted either. */
export const EVERY_EVENT: Filter = { from: -(2n ** 62n), turnStart: 0, types: EVENT_TYPES };

/** The events on lines. */
export function eventsIn(lines: readonly LogLine[], runId: string): StoredEvent[] {
  return lines.flatMap(({ text }) => readStreamEvent(text, runId) ?? []);
}

/**
 * Finds a page of lines.
 *
 * @throws {EventError} `EVENT_FILTER` for a cursor that no page gave.
 */
export async function findPage(
  store: Store,
  runId: string,
  filter: Filter,
  options: FindOptions,
): Promise<Page<LogLine> & { readonly damaged: number }> {
  try {
    return await store.logs.find(eventKey(runId), filter, options);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const said = 'Cannot search with this filter: "cursor" is not one that a page gave';
    throw new EventError("EVENT_FILTER", said, { path: "cursor", cause: error });
  }
}

/** Counts the events that match, and the lines of the stream that are none: no JSON objects, or without what every event has. */
export async function countEvents(
  store: Store,
  runId: string,
  filter: Filter,
  options: { readonly signal?: AbortSignal },
): Promise<{ readonly total: number; readonly corrupt_lines: number }> {
  const key = eventKey(runId);
  for (let tries = 1; ; tries += 1) {
    const [found, events, records] = await Promise.all([
      store.logs.count(key, filter, options),
      store.logs.count(key, EVERY_EVENT, options),
      store.logs.count(key, {}, options),
    ]);
    // Somebody who writes meanwhile may have come in between the last two.
    if (events.asOf !== records.asOf && tries < 3) continue;
    const others = Math.max(0, records.count - events.count);
    return {
      total: found.count,
      corrupt_lines: records.damaged + (events.asOf === records.asOf ? others : 0),
    };
  }
}

/** Finds at most so many events, in order of the stream. */
export async function findEvents(
  store: Store,
  runId: string,
  filter: Filter,
  options: { readonly limit: number; readonly signal?: AbortSignal },
): Promise<readonly StoredEvent[]> {
  const found: StoredEvent[] = [];
  const { limit, signal } = options;
  for (let cursor: string | undefined; ; ) {
    const page = await store.logs.find(
      eventKey(runId),
      { ...EVERY_EVENT, ...filter },
      {
        limit: Math.min(limit, 1_000),
        ...(cursor !== undefined && { cursor }),
        ...(signal !== undefined && { signal }),
      },
    );
    for (const event of eventsIn(page.items, runId)) {
      found.push(event);
      if (found.length >= limit) return found;
    }
    if (page.cursor === undefined) return found;
    cursor = page.cursor;
  }
}
