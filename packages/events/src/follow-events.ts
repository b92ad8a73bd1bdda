import { type Filter, parseTimestamp, type Store, StoreDamagedError } from "@holdfast/storage";
import { EventError } from "./errors.ts";
import { checkEventFilter, type EventFilter, markFilter } from "./event-filter.ts";
import { eventKey } from "./event-key.ts";
import { EVERY_EVENT } from "./find-events.ts";
import { readableLines } from "./readable-lines.ts";
import { readStreamEvent, type StoredEvent } from "./stored-event.ts";

/** Options of `follow()`. */
export interface FollowOptions {
  /** Goes on after the event of this id, whether the filter asks for that one or not. */
  readonly after?: string;
  /** Without `after`: whether to begin with the first event of the stream, or with what comes from now on (default). */
  readonly from?: "start" | "now";
  /** Ends it. */
  readonly signal?: AbortSignal;
}

/**
 * Follows a stream by position. Where it begins is looked up when it is called: what is appended from then on is not missed, however
 * late the first event is asked for.
 */
export function followEvents(
  store: Store,
  runId: string,
  given: EventFilter = {},
  options: FollowOptions = {},
): AsyncIterable<StoredEvent> {
  const filter = markFilter(checkEventFilter(given));
  const start = startOf(store, runId, options);
  start.catch(() => undefined); // told to whoever asks for the first event
  return events(store, runId, filter, start, options.signal);
}

async function* events(
  store: Store,
  runId: string,
  filter: Filter,
  start: Promise<number>,
  signal: AbortSignal | undefined,
): AsyncGenerator<StoredEvent> {
  const from = await start;
  for await (const { text } of readableLines(store.logs, eventKey(runId), { from, signal, follow: true })) {
    if (text === undefined) continue;
    const event = readStreamEvent(text, runId);
    if (event !== undefined && isAskedFor(event, filter)) yield event;
  }
}

async function startOf(store: Store, runId: string, { after, from = "now" }: FollowOptions): Promise<number> {
  const key = eventKey(runId);
  if (after === undefined) return from === "start" ? 1 : (await endOf(store, key)) + 1;
  const { items } = await store.logs.find(key, { ...EVERY_EVENT, ids: [after] }, { limit: 100 });
  // Of several lines with the id, what comes after the first: rather twice than not at all.
  const position = Math.min(...items.map((item) => item.position));
  if (Number.isFinite(position)) return position + 1;
  throw new EventError(
    "EVENT_NOT_FOUND",
    `Cannot go on after event "${after}": run "${runId}" has none of that id`,
    {
      path: store.locate({ log: key }),
    },
  );
}

/** The last position, also of a stream with lines that cannot be read. */
async function endOf(store: Store, key: string): Promise<number> {
  try {
    return await store.logs.head(key);
  } catch (error) {
    if (!(error instanceof StoreDamagedError)) throw error;
    return (await store.logs.count(key, {})).asOf;
  }
}

function isAskedFor(event: StoredEvent, { from, to, types, agents, turnStart, turnEnd }: Filter): boolean {
  const { event_type, agent_id, turn_number } = event;
  if (types !== undefined && !types.includes(event_type)) return false;
  if (agents !== undefined && (agent_id === undefined || !agents.includes(agent_id))) return false;
  if (turnStart !== undefined && turn_number < turnStart) return false;
  if (turnEnd !== undefined && turn_number > turnEnd) return false;
  if (from === undefined && to === undefined) return true;
  const at = parseTimestamp(event.timestamp);
  return (from === undefined || at >= from) && (to === undefined || at <= to);
}
