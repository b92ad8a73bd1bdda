import assert from "node:assert/strict";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileStore } from "@holdfast/storage";
import { startProgram, temporaryFolder } from "@holdfast/test-kit";
import { describe, it } from "vitest";
import {
  type CausalityLevel,
  type EventFilter,
  type EventLog,
  type EventPage,
  eventLog,
} from "../src/index.ts";
import { idOf, lineOf, type ScannedEvent, scanned } from "./long-stream.ts";
import { isAskedFor, microsecondsOf } from "./written-by-hand.ts";

/** Where files of the stream end, by lines: more in all than an index keeps in memory, so that it has a file that others can damage. */
const LONG = [11_000, 22_000, 33_500];
const SHORT = [400, 800, 1_200];
const ALL = 1_600;

const FILTERS: readonly EventFilter[] = [
  {},
  { event_types: ["STATE", "ACTION"], agent_ids: ["agent-1", "agent-3"] },
  { turn_start: 10, turn_end: 660 },
  { agent_ids: ["agent-2"], turn_start: 650 },
  {
    event_types: ["SYSTEM"],
    start_timestamp: "2026-01-02T05:00:00+01:00",
    end_timestamp: "2026-01-02T04:12:00.5Z",
  },
  { start_timestamp: "2026-01-02T04:13:50Z" },
  { event_types: ["MILESTONE"], agent_ids: ["nobody"] },
];

/** The page that a filter asks of a scan. */
function pageOf(
  all: readonly ScannedEvent[],
  lines: number,
  filter: EventFilter,
): Omit<EventPage, "next_cursor"> {
  const { limit = 1_000, offset = 0, newest_first = false, start_timestamp, end_timestamp, ...rest } = filter;
  const from = start_timestamp === undefined ? undefined : microsecondsOf(start_timestamp);
  const to = end_timestamp === undefined ? undefined : microsecondsOf(end_timestamp);
  const matching = all.filter(
    ({ event, at }) =>
      (from === undefined || at >= from) && (to === undefined || at <= to) && isAskedFor(event, rest),
  );
  const ordered = newest_first ? matching.toReversed() : matching;
  return {
    events: ordered.slice(offset, offset + limit).map(({ event }) => event),
    total: matching.length,
    has_more: ordered.length > offset + limit,
    corrupt_lines: lines - all.length,
  };
}

function causesByHand(all: readonly ScannedEvent[], id: string, depth: number): CausalityLevel[] {
  const first = new Map(all.toReversed().map(({ event }) => [event.event_id, event]));
  const place = new Map(all.map(({ event }, index) => [event, index]));
  const levels: CausalityLevel[] = [];
  const seen = new Set([id]);
  let above = [first.get(id)];
  for (let level = 1; level <= depth; level += 1) {
    const wanted = new Set(
      above.flatMap((event) => event?.caused_by ?? []).filter((cause) => !seen.has(cause)),
    );
    if (wanted.size === 0) break;
    const found = [...wanted].map((cause) => first.get(cause)).filter((event) => event !== undefined);
    const events = found.toSorted((a, b) => (place.get(a) ?? 0) - (place.get(b) ?? 0));
    levels.push({
      depth: level,
      events,
      missing: [...wanted].filter((cause) => !first.has(cause)).toSorted(),
    });
    for (const cause of wanted) seen.add(cause);
    above = events;
  }
  return levels;
}

function written(root: string, [first = 0, second = 0, last = 0]: readonly number[]): string {
  const folder = join(root, "runs", "r");
  mkdirSync(folder, { recursive: true });
  const lines = Array.from({ length: last }, (_, n) => `${lineOf(n)}\n`);
  writeFileSync(join(folder, "events_2026-01-02_00-00-00.jsonl"), lines.slice(0, first).join(""));
  writeFileSync(join(folder, "events_2026-01-02_00-00-01.jsonl"), lines.slice(first, second).join(""));
  writeFileSync(join(folder, "events.jsonl"), lines.slice(second).join(""));
  return folder;
}

/** Every filter, in pages of several sizes, and all causes of some events, as a scan of so many lines gives them. */
async function checkAll(log: EventLog, all: readonly ScannedEvent[], lines: number): Promise<void> {
  for (const filter of FILTERS) {
    for (const page of [
      { limit: 7, offset: 0 },
      { limit: 500, offset: 900 },
      { limit: 50, offset: 3, newest_first: true },
    ])
      await checkPage(log, all, lines, { ...filter, ...page });
  }
  for (const depth of [1, 2, 20]) {
    for (const n of [60, 77, 120, Math.floor(lines / 2), lines - 9]) await checkCauses(log, all, n, depth);
  }
}

async function checkSome(log: EventLog, all: readonly ScannedEvent[], lines: number): Promise<void> {
  for (const filter of FILTERS.slice(1, 3))
    await checkPage(log, all, lines, { ...filter, limit: 20, offset: 7 });
  await checkCauses(log, all, 20_007, 20);
}

async function checkPage(
  log: EventLog,
  all: readonly ScannedEvent[],
  lines: number,
  filter: EventFilter & { readonly limit: number; readonly offset: number },
): Promise<void> {
  const { next_cursor: cursor, ...found } = await log.query(filter);
  assert.deepEqual(found, pageOf(all, lines, filter));
  assert.equal(cursor !== undefined, found.has_more);
  if (cursor === undefined) return;
  const { offset, limit, ...rest } = filter;
  const next = await log.query({ ...rest, limit, cursor });
  assert.deepEqual(next.events, pageOf(all, lines, { ...filter, offset: offset + limit }).events);
}

async function checkCauses(
  log: EventLog,
  all: readonly ScannedEvent[],
  n: number,
  depth: number,
): Promise<void> {
  const found = await log.causality(idOf(n), { depth });
  const isThere = all.some(({ event }) => event.event_id === idOf(n));
  assert.deepEqual(found?.upstream, isThere ? causesByHand(all, idOf(n), depth) : undefined);
  const effects = all.filter(
    ({ event }) => event.caused_by?.includes(idOf(n)) === true && event.event_id !== idOf(n),
  );
  const [level] = found?.downstream ?? [];
  assert.deepEqual(
    level?.events.map(({ event_id }) => event_id) ?? [],
    isThere ? [...new Set(effects.map(({ event }) => event.event_id))] : [],
  );
}

describe("a stream that another program writes", { timeout: 120_000 }, () => {
  it("is answered as a scan of it as it was at one moment answers, while that program appends and rotates", async () => {
    using folder = temporaryFolder();
    const files = written(folder.path, SHORT);
    const program = startProgram(join(import.meta.dirname, "other-program.ts"), [
      files,
      String(SHORT[2]),
      String(ALL),
    ]);
    await using store = fileStore(folder.path);
    const log = eventLog(store, "r");
    const all = scanned(ALL);
    const seen = { lines: SHORT[2] ?? 0 };
    const progress = (async () => {
      for (let line = await program.line(); line !== undefined; line = await program.line())
        seen.lines = Number(line);
    })();
    let asked = 0;
    for (; seen.lines < ALL; asked += 1) {
      const least = seen.lines;
      const filter = {
        ...FILTERS[asked % FILTERS.length],
        limit: 20,
        offset: asked % 3,
        newest_first: asked % 2 === 0,
      };
      const { next_cursor: _, ...found } = await log.query(filter);
      const states = Array.from({ length: ALL - least + 1 }, (__, more) => least + more);
      const right = states.find((lines) => {
        const upTo = all.filter(({ position }) => position <= lines);
        if (lines - upTo.length !== found.corrupt_lines) return false;
        try {
          assert.deepEqual(found, pageOf(upTo, lines, filter));
          return true;
        } catch {
          return false;
        }
      });
      assert.notEqual(
        right,
        undefined,
        `${JSON.stringify(filter)} after ${least} lines: ${JSON.stringify(found)}`,
      );
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await progress;
    const { code, stderr } = await program.ended;
    assert.deepEqual([code, stderr], [0, ""]);
    assert.ok(readdirSync(files).length >= 5);
    await checkAll(log, all, ALL);
  });

  it("is answered rightly again, by the same store, after its index or its files were changed under it", async () => {
    using folder = temporaryFolder();
    const files = written(folder.path, LONG);
    const index = join(folder.path, "index", "logs", "runs", "r", "events.db");
    await using store = fileStore(folder.path);
    const log = eventLog(store, "r");
    const [first = 0, second = 0, lines = 0] = LONG;
    const all = scanned(lines);
    await checkSome(log, all, lines);
    assert.ok(existsSync(index));
    rmSync(index);
    await checkSome(log, all, lines);
    truncateSync(index, Math.floor(statSync(index).size / 2));
    await checkSome(log, all, lines);
    writeFileSync(index, "no index");
    await checkSome(log, all, lines);

    // The same lines in another file of that name.
    const rotated = join(files, "events_2026-01-02_00-00-00.jsonl");
    writeFileSync(`${rotated}.new`, readFileSync(rotated));
    renameSync(`${rotated}.new`, rotated);
    await checkSome(log, all, lines);
    // Others, in the place of the second: what is left is the first and the last file.
    const other = join(files, "events_2026-01-02_00-00-01.jsonl");
    writeFileSync(`${other}.new`, "");
    renameSync(`${other}.new`, other);
    const left = all.filter(({ position }) => position <= first || position > second);
    await checkSome(log, left, lines - (second - first));
    // Cut short in place, and longer again with something else.
    truncateSync(join(files, "events.jsonl"), 0);
    appendFileSync(join(files, "events.jsonl"), `${lineOf(first)}\n${lineOf(second)}\n`);
    const few = all.filter(({ position }) => position <= first || [first, second].includes(position - 1));
    await checkSome(log, few, first + 2);
  });
});
