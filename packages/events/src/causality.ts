import { parseTimestamp, type Store } from "@holdfast/storage";
import { findEvents } from "./find-events.ts";
import type { StoredEvent } from "./stored-event.ts";

const DEFAULT_DEPTH = 5;
const MAX_DEPTH = 20;
const DEFAULT_MAX_EVENTS = 100_000;
// Ids of one search: an index takes them as that many parameters.
const IDS_A_SEARCH = 500;

/** Options of `causality()`. */
export interface CausalityOptions {
  /** How many levels each way, 1 to 20. Default 5. */
  readonly depth?: number;
  /** How many events each way at most, from 1. Default 100,000. */
  readonly maxEvents?: number;
  readonly signal?: AbortSignal;
}

/** Events that are so many steps away. */
export interface CausalityLevel {
  /** Steps from the event that was asked about, from 1. */
  readonly depth: number;
  /** Each event once, at the least depth; in order of time, then of id. */
  readonly events: readonly StoredEvent[];
  /** Ids that an event of the level before names as its causes, and that the stream does not hold. */
  readonly missing: readonly string[];
}

/** What led to an event, and what came of it. */
export interface Causality {
  readonly event_id: string;
  readonly event: StoredEvent;
  /** Its causes, their causes, ... */
  readonly upstream: readonly CausalityLevel[];
  /** What names it as a cause, what names that, ... */
  readonly downstream: readonly CausalityLevel[];
  /** Whether there was more than `maxEvents` one way; what is there is right as far as it goes. */
  readonly truncated: boolean;
}

/**
 * Follows `caused_by` from an event in both directions, level by level. Each event comes once, so a cycle ends by itself.
 *
 * @throws {RangeError} For options out of bounds.
 */
export async function traceCausality(
  store: Store,
  runId: string,
  eventId: string,
  options: CausalityOptions = {},
): Promise<Causality | undefined> {
  const { depth = DEFAULT_DEPTH, maxEvents = DEFAULT_MAX_EVENTS, signal } = options;
  if (!Number.isSafeInteger(depth) || depth < 1 || depth > MAX_DEPTH)
    throw new RangeError(`depth is a whole number from 1 to ${MAX_DEPTH}, not ${depth}`);
  if (!Number.isSafeInteger(maxEvents) || maxEvents < 1)
    throw new RangeError(`maxEvents is a whole number from 1, not ${maxEvents}`);
  const search = async (
    by: "ids" | "causes",
    ids: readonly string[],
    limit: number,
  ): Promise<StoredEvent[]> => {
    const found: StoredEvent[] = [];
    for (let start = 0; start < ids.length && found.length < limit; start += IDS_A_SEARCH) {
      const filter = { [by]: ids.slice(start, start + IDS_A_SEARCH) };
      const rest = { limit: limit - found.length, ...(signal !== undefined && { signal }) };
      found.push(...(await findEvents(store, runId, filter, rest)));
    }
    return found;
  };
  const [event] = await search("ids", [eventId], 1);
  if (event === undefined) return undefined;
  const up = await upstreamOf(event, { depth, maxEvents, search });
  const down = await downstreamOf(event, { depth, maxEvents, search });
  return {
    event_id: eventId,
    event,
    upstream: up.levels,
    downstream: down.levels,
    truncated: up.truncated || down.truncated,
  };
}

interface Walk {
  readonly depth: number;
  readonly maxEvents: number;
  readonly search: (by: "ids" | "causes", ids: readonly string[], limit: number) => Promise<StoredEvent[]>;
}

interface Walked {
  readonly levels: CausalityLevel[];
  readonly truncated: boolean;
}

async function upstreamOf(event: StoredEvent, { depth, maxEvents, search }: Walk): Promise<Walked> {
  const levels: CausalityLevel[] = [];
  const seen = new Set([event.event_id]);
  let room = maxEvents;
  let wanted = newCauses([event], seen);
  for (let level = 1; level <= depth && wanted.length > 0; level += 1) {
    const truncated = wanted.length > room;
    const asked = truncated ? wanted.slice(0, room) : wanted;
    // An id that several lines have is one event: the first.
    const events = firstOfEach(await search("ids", asked, Number.POSITIVE_INFINITY));
    const found = new Set(events.map(({ event_id }) => event_id));
    levels.push({ depth: level, events, missing: asked.filter((id) => !found.has(id)).toSorted() });
    if (truncated) return { levels, truncated };
    room -= events.length;
    wanted = newCauses(events, seen);
  }
  return { levels, truncated: false };
}

async function downstreamOf(event: StoredEvent, { depth, maxEvents, search }: Walk): Promise<Walked> {
  const levels: CausalityLevel[] = [];
  const seen = new Set([event.event_id]);
  let room = maxEvents;
  let causes: readonly string[] = [event.event_id];
  for (let level = 1; level <= depth; level += 1) {
    const found = await search("causes", causes, Number.POSITIVE_INFINITY);
    const fresh = firstOfEach(found).filter(({ event_id }) => !seen.has(event_id));
    if (fresh.length === 0) break;
    const truncated = fresh.length > room;
    const events = truncated ? fresh.slice(0, room) : fresh;
    levels.push({ depth: level, events, missing: [] });
    if (truncated) return { levels, truncated };
    room -= events.length;
    for (const { event_id } of events) seen.add(event_id);
    causes = events.map(({ event_id }) => event_id);
  }
  return { levels, truncated: false };
}

/** The causes of events that were not seen before; they count as seen then. */
function newCauses(events: readonly StoredEvent[], seen: Set<string>): string[] {
  const fresh: string[] = [];
  for (const id of events.flatMap(({ caused_by = [] }) => caused_by)) {
    if (seen.has(id)) continue;
    seen.add(id);
    fresh.push(id);
  }
  return fresh;
}

/** In order of the stream, each id once. */
function firstOfEach(events: readonly StoredEvent[]): StoredEvent[] {
  const byId = new Map<string, StoredEvent>();
  for (const event of events.toSorted(compareEvents)) {
    if (!byId.has(event.event_id)) byId.set(event.event_id, event);
  }
  return [...byId.values()];
}

/** The order of a stream: by time, then by id. */
function compareEvents(a: StoredEvent, b: StoredEvent): number {
  const [left, right] = [parseTimestamp(a.timestamp), parseTimestamp(b.timestamp)];
  if (left !== right) return left < right ? -1 : 1;
  return a.event_id < b.event_id ? -1 : a.event_id > b.event_id ? 1 : 0;
}
