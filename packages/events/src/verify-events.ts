import { parseTimestamp, type Store } from "@holdfast/storage";
import { CauseCheck } from "./check-causes.ts";
import { problemOf } from "./check-event.ts";
import { type EventFinding, FindingList } from "./event-finding.ts";
import { eventKey } from "./event-key.ts";
import { readableLines } from "./readable-lines.ts";
import { isRecord } from "./record.ts";
import { readStreamEvent, type StoredEvent } from "./stored-event.ts";

/** Options of {@link verifyEvents}. */
export interface VerifyEventsOptions {
  /** How many findings of each kind are listed, from 1; the rest is counted in one more. Default 20. */
  readonly maxPerKind?: number;
  readonly signal?: AbortSignal;
}

/**
 * Checks the stream of a run: lines that are no events, ids that come twice, events out of order, causes that are not there, and chains of
 * causes that come back to where they began. Lines that are no JSON at all are left to the check of the store.
 *
 * The stream is read once, whatever its length; besides, what an event names is looked up in the store's index, except what came shortly
 * before it. Memory does not grow with the stream.
 */
export async function verifyEvents(
  store: Store,
  runId: string,
  options: VerifyEventsOptions = {},
): Promise<readonly EventFinding[]> {
  const { maxPerKind = 20, signal } = options;
  const key = eventKey(runId);
  const place = (position: number): string => store.locate({ log: key, position });
  const findings = new FindingList(maxPerKind, store.locate({ log: key }));
  const causes = new CauseCheck(store, runId, { place, findings, signal });
  let latest: { readonly at: bigint; readonly timestamp: string } | undefined;
  for await (const { position, text } of readableLines(store.logs, key, { signal })) {
    if (text === undefined) continue;
    const event = readStreamEvent(text, runId);
    if (event === undefined) {
      if (isObject(text)) findings.add("not_an_event", place(position), notAnEvent(text));
      continue;
    }
    const wrong = problemOf(event);
    if (wrong !== undefined) {
      const said = `event ${event.event_id} is no whole ${event.event_type}: "${wrong.path}" ${wrong.message}`;
      findings.add("event_schema", place(position), said);
    }
    if (event.simulation_id !== runId)
      findings.add(
        "other_run",
        place(position),
        `event ${event.event_id} says it belongs to "${event.simulation_id}"`,
      );
    const at = parseTimestamp(event.timestamp);
    if (latest !== undefined && at < latest.at) {
      const said = `event ${event.event_id} of ${event.timestamp} stands behind one of ${latest.timestamp}`;
      findings.add("order", place(position), said);
    } else latest = { at, timestamp: event.timestamp };
    await causes.see(event, position);
  }
  await causes.finish();
  return findings.all();
}

function isObject(text: string): boolean {
  try {
    return isRecord(JSON.parse(text));
  } catch {
    return false;
  }
}

function notAnEvent(text: string): string {
  const line = JSON.parse(text) as Partial<Record<keyof StoredEvent, unknown>>;
  const lacking = (["event_id", "timestamp", "event_type", "turn_number"] as const).filter((field) => {
    const whole = { event_id: "x", timestamp: "2026-01-01T00:00:00Z", event_type: "SYSTEM", turn_number: 0 };
    return readStreamEvent(JSON.stringify({ ...whole, [field]: line[field] })) === undefined;
  });
  return `the line is no event: it has no usable ${lacking.join(", ")}`;
}
