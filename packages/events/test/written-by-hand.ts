import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { type EventFilter, readStreamEvent, type StoredEvent } from "../src/index.ts";

const second = (at: number): string => String(at).padStart(2, "0");
// The same moments in several forms, often repeated.
const timestamp = fc
  .tuple(fc.nat({ max: 5 }), fc.constantFrom("Z", ".5Z", ".500000Z", ".123456789Z", "+00:00", ".250-00:30"))
  .map(([at, form]) => `2026-01-02T03:${form.endsWith("30") ? "04" : "34"}:${second(at)}${form}`);

const id = fc.nat({ max: 30 }).map((number) => `01M7Z0NH2WQN8YT1GBVA31WQ${String(number).padStart(2, "0")}`);
const agent = fc.constantFrom("a", "b", "ü");

const ownFields: fc.Arbitrary<Record<string, unknown>> = fc.oneof(
  fc.constant({ event_type: "MILESTONE", milestone_type: "turn_start" }),
  agent.map((agent_id) => ({ event_type: "DECISION", agent_id, details: { decision_type: "buy" } })),
  agent.map((agent_id) => ({ event_type: "ACTION", agent_id, action_type: "buy", action_payload: null })),
  fc.constant({ event_type: "STATE", agent_id: null, variable_name: "x", old_value: 1, new_value: null }),
  agent.map((agent_id) => ({
    event_type: "DETAIL",
    agent_id,
    details: { calculation_type: "x", intermediate_values: 1 },
  })),
  fc.constant({ event_type: "SYSTEM", status: "ok", error_type: null }),
);

const eventLine = fc
  .record({
    event_id: id,
    timestamp,
    turn_number: fc.nat({ max: 9 }),
    own: ownFields,
    caused_by: fc.array(id, { maxLength: 3 }),
  })
  .map(({ own, ...base }) => JSON.stringify({ ...base, simulation_id: "r", ...own }));

const noEvent = fc.constantFrom(
  "{",
  "null",
  "[1]",
  "text",
  '{"x":1}',
  '{"timestamp":"2026-01-02T03:34:01Z","turn_number":1,"event_type":"SYSTEM","simulation_id":"r","status":"ok"}',
  '{"event_id":"","timestamp":"2026-01-02T03:34:01Z","turn_number":1,"event_type":"SYSTEM","simulation_id":"r","status":"ok"}',
  '{"event_id":"e","timestamp":"2026-01-02T03:34:01Z","turn_number":1.5,"event_type":"SYSTEM","simulation_id":"r","status":"ok"}',
  '{"event_id":"01M7Z0NH2WQN8YT1GBVA31WQ00"}',
  '{"event_id":"e","timestamp":"2026-01-02T03:34:01Z","turn_number":1,"event_type":"LUNCH","simulation_id":"r"}',
  '{"event_id":"e","timestamp":"yesterday","turn_number":1,"event_type":"SYSTEM","simulation_id":"r","status":"ok"}',
  '{"event_id":"e","timestamp":"2026-01-02T03:34:01Z","turn_number":-1,"event_type":"SYSTEM","simulation_id":"r","status":"ok"}',
  '{"event_id":"e","timestamp":"2026-01-02T03:34:01Z","event_type":"SYSTEM","simulation_id":"r","status":"ok"}',
);

/** Lines of a stream as other programs write them, in several files, the last with a torn line or not. */
export const anyStream = fc.record({
  files: fc.array(
    fc.array(fc.oneof({ weight: 6, arbitrary: eventLine }, { weight: 1, arbitrary: noEvent }), {
      maxLength: 25,
    }),
    {
      minLength: 1,
      maxLength: 4,
    },
  ),
  torn: fc.option(
    eventLine.map((line) => line.slice(0, -3)),
    { nil: "" },
  ),
});
export type WrittenStream = typeof anyStream extends fc.Arbitrary<infer Value> ? Value : never;

/** Puts the files of a stream where a file store looks for them. */
export function writeStream(root: string, runId: string, { files, torn }: WrittenStream): void {
  const folder = join(root, "runs", runId);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const [index, lines] of files.entries()) {
    const isLast = index === files.length - 1;
    const name = isLast ? "events.jsonl" : `events_2026-01-02_03-04-0${index}.jsonl`;
    const text = lines.map((line) => `${line}\n`).join("") + (isLast ? torn : "");
    writeFileSync(join(folder, name), text, { mode: 0o600 });
  }
}

/** Microseconds of a moment, by hand. */
export function microsecondsOf(text: string): bigint {
  const [, date = "", fraction = "", zone = ""] = /^([^.Z+]*?T[^.Z+-]*)(?:\.(\d+))?(.*)$/.exec(text) ?? [];
  return BigInt(Date.parse(`${date}${zone}`)) * 1_000n + BigInt(`${fraction}000000`.slice(0, 6));
}

/** The events of lines in order of the stream, by hand. */
export function inOrder(lines: readonly string[]): StoredEvent[] {
  return lines
    .flatMap((line, position) => {
      const event = readStreamEvent(line, "r");
      return event === undefined ? [] : { event, position, at: microsecondsOf(event.timestamp) };
    })
    .toSorted((a, b) => {
      if (a.at !== b.at) return a.at < b.at ? -1 : 1;
      if (a.event.event_id !== b.event.event_id) return a.event.event_id < b.event.event_id ? -1 : 1;
      return a.position - b.position;
    })
    .map((found) => found.event);
}

/** Any filter, without its page. */
export const anyFilter: fc.Arbitrary<EventFilter> = fc
  .record(
    {
      event_types: fc.uniqueArray(fc.constantFrom("MILESTONE", "DECISION", "ACTION", "STATE", "SYSTEM"), {
        minLength: 1,
      }),
      agent_ids: fc.uniqueArray(fc.constantFrom("a", "b", "ü", "nobody"), { minLength: 1 }),
      turn_start: fc.nat({ max: 9 }),
      turn_end: fc.nat({ max: 9 }),
      start_timestamp: timestamp,
      end_timestamp: timestamp,
    },
    { requiredKeys: [] },
  )
  .map((filter) => inBounds(filter as EventFilter));

/** Bounds that exclude each other are refused. */
function inBounds({
  start_timestamp,
  end_timestamp,
  turn_start,
  turn_end,
  ...rest
}: EventFilter): EventFilter {
  const times = [start_timestamp, end_timestamp].filter((time) => time !== undefined);
  const [first, last] = times.toSorted((a, b) => Number(microsecondsOf(a) - microsecondsOf(b)));
  const both = times.length === 2;
  return {
    ...rest,
    ...(start_timestamp !== undefined && { start_timestamp: both ? first : start_timestamp }),
    ...(end_timestamp !== undefined && { end_timestamp: both ? last : end_timestamp }),
    ...(turn_start !== undefined && { turn_start }),
    ...(turn_end !== undefined && { turn_end: Math.max(turn_end, turn_start ?? 0) }),
  };
}

/** Whether an event is one that a filter asks for, by hand. */
export function isAskedFor(event: StoredEvent, filter: EventFilter): boolean {
  const { event_types, agent_ids, turn_start, turn_end, start_timestamp, end_timestamp } = filter;
  const at = microsecondsOf(event.timestamp);
  return (
    (event_types?.includes(event.event_type) ?? true) &&
    (agent_ids?.includes(event.agent_id ?? "") ?? true) &&
    event.turn_number >= (turn_start ?? 0) &&
    event.turn_number <= (turn_end ?? Number.POSITIVE_INFINITY) &&
    (start_timestamp === undefined || at >= microsecondsOf(start_timestamp)) &&
    (end_timestamp === undefined || at <= microsecondsOf(end_timestamp))
  );
}
