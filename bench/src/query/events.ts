import { closeSync, mkdirSync, openSync, readdirSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";

/** The log of the store that the events are in. */
export const KEY = "runs/bench/events";
const TYPES = ["DECISION", "ACTION", "STATE", "DETAIL", "ACTION", "STATE", "STATE", "MILESTONE"];
const AGENTS = 1_000;
export const EVENTS_A_TURN = 2_000;
const FILE_BYTES = 500 * 1024 * 1024;

/** What of an event is looked at. */
export interface Event {
  readonly event_id: string;
  readonly timestamp: string;
  readonly turn_number: number;
  readonly event_type: string;
  readonly agent_id: string;
  readonly caused_by: readonly string[];
}

/** The id of the n-th event. */
export function idOf(n: number): string {
  return `01KDS${n.toString(32).toUpperCase().padStart(21, "0")}`;
}

/** The n-th event. */
export function eventOf(n: number): Event {
  const at = 1_767_225_600_000 + Math.floor(n / 10); // a hundred microseconds apart
  return {
    event_id: idOf(n),
    timestamp: `${new Date(at).toISOString().slice(0, -1)}${String((n % 10) * 100).padStart(3, "0")}Z`,
    turn_number: Math.floor(n / EVENTS_A_TURN),
    event_type: TYPES[(n * 7 + Math.floor(n / AGENTS)) % TYPES.length] ?? "STATE",
    agent_id: `agent-${(n * 7_919) % AGENTS}`,
    caused_by: n % 3 === 0 || n < 50 ? [] : [idOf(n - 1 - (n % 40))],
  };
}

/** Writes the events as three or more files, as a stream that was rotated. */
export function writeEvents(folder: string, count: number): void {
  mkdirSync(folder, { recursive: true });
  const rotateAt = Math.min(FILE_BYTES, Math.floor((count * 300) / 3));
  let files = 0;
  let size = 0;
  let file = openSync(join(folder, "events_2026-01-01_00-00-00.jsonl"), "w");
  for (let n = 0; n < count; ) {
    let block = "";
    for (const end = Math.min(count, n + 2_000); n < end; n += 1) {
      const event = eventOf(n);
      const { caused_by, ...rest } = event;
      const details = { variable_name: `v${n % 17}`, old_value: n, new_value: n + 1, scope: "agent" };
      block += `${JSON.stringify({ ...rest, simulation_id: "bench_1agents_20260101_000000_01", ...(caused_by.length > 0 && { caused_by }), details })}\n`;
    }
    size += writeSync(file, block);
    if (size < rotateAt || n >= count) continue;
    closeSync(file);
    files += 1;
    size = 0;
    const name = `events_2026-01-01_00-00-${String(files).padStart(2, "0")}.jsonl`;
    file = openSync(join(folder, name), "w");
  }
  closeSync(file);
  // What was written last is the current file.
  const last = `events_2026-01-01_00-00-${String(files).padStart(2, "0")}.jsonl`;
  renameSync(join(folder, last), join(folder, "events.jsonl"));
}

/** The files of the events, oldest first. */
export function filesOf(folder: string): string[] {
  const names = readdirSync(folder).filter((name) => name.endsWith(".jsonl"));
  return [...names.filter((name) => name !== "events.jsonl").toSorted(), "events.jsonl"].map((name) =>
    join(folder, name),
  );
}
