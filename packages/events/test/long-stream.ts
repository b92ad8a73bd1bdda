// A long stream as other programs leave it, line by line: each line follows from its number, so that two processes agree on it.
import { readStreamEvent, type StoredEvent } from "../src/index.ts";
import { microsecondsOf } from "./written-by-hand.ts";

const TYPES = ["DECISION", "ACTION", "STATE", "DETAIL", "MILESTONE", "SYSTEM"];
const FORMS = ["Z", ".5Z", ".500000Z", ".123456789Z", "+00:00", ".250-00:30"];

/** Ids come again now and then. */
export function idOf(n: number): string {
  return `01KDS${String(n % 501 === 500 ? n - 37 : n).padStart(21, "0")}`;
}

/** Times are repeated and out of order, and written in several forms of the same moments. */
function timeOf(n: number): string {
  const form = FORMS[n % FORMS.length] ?? "Z";
  const second = Math.floor((n - ((n * 31) % 19)) / 40);
  const local = new Date(Date.UTC(2026, 0, 2, form.endsWith("30") ? 3 : 4) + second * 1_000);
  if (form.endsWith("30")) local.setUTCMinutes(local.getUTCMinutes() + 30);
  return local.toISOString().slice(0, 19) + form;
}

/** Causes come before, come later, are not there, or lead back. */
function causesOf(n: number): string[] {
  if (n % 1_000 < 60 && n % 20 === 0) return [idOf(n % 1_000 === 0 ? n + 40 : n - 20)];
  return [
    ...(n % 3 === 0 ? [idOf(Math.max(0, n - 1 - (n % 40)))] : []),
    ...(n % 7 === 0 ? [idOf(n + 5)] : []),
    ...(n % 11 === 0 ? [`unknown-${n}`] : []),
  ];
}

/** The line of a number, without its end. */
export function lineOf(n: number): string {
  if (n % 97 === 5) return n % 2 === 0 ? "no event" : '{"x":1}';
  const event_type = TYPES[n % TYPES.length];
  return JSON.stringify({
    event_id: idOf(n),
    timestamp: timeOf(n),
    turn_number: Math.floor(n / 50),
    event_type,
    simulation_id: "r",
    ...(n % TYPES.length < 4 && { agent_id: `agent-${n % 5}` }),
    caused_by: causesOf(n),
    details: { n },
  });
}

/** An event, and what a scan has to know of it. */
export interface ScannedEvent {
  readonly event: StoredEvent;
  readonly position: number;
  readonly at: bigint;
}

/** The events of the first so many lines, in order of the stream. */
export function scanned(lines: number): ScannedEvent[] {
  return Array.from({ length: lines }, (_, n) => n)
    .flatMap((n) => {
      const event = readStreamEvent(lineOf(n), "r");
      return event === undefined ? [] : [{ event, position: n + 1, at: microsecondsOf(event.timestamp) }];
    })
    .toSorted((a, b) => {
      if (a.at !== b.at) return a.at < b.at ? -1 : 1;
      if (a.event.event_id !== b.event.event_id) return a.event.event_id < b.event.event_id ? -1 : 1;
      return a.position - b.position;
    });
}
