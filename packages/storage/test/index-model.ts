import { isUtf8 } from "node:buffer";
import { readFileSync } from "node:fs";
import { listLogFiles } from "@holdfast/ndjson";
import * as fc from "fast-check";
import { matches, objectMarks, withoutMark } from "../src/marks.ts";
import { comparePlaces } from "../src/search.ts";
import type { Filter, LogLine, Marks } from "../src/store.ts";
import { parseTimestamp } from "../src/timestamp.ts";

interface ModelLine extends LogLine {
  readonly marks: Marks;
}

/** A log as its files say it is, read whole and taken apart in the plainest way. */
export class LogModel {
  readonly records: readonly ModelLine[];
  readonly asOf: number;
  readonly damaged: number;

  constructor(path: string) {
    const records: ModelLine[] = [];
    let position = 0;
    let damaged = 0;
    const files = listLogFiles(path);
    for (const [index, file] of files.entries()) {
      let bytes = readFileSync(file);
      for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10)) {
        position += 1;
        const line = bytes.subarray(0, end);
        const text = withoutMark(line.toString("utf8"));
        const marks = isUtf8(line) ? objectMarks(text) : undefined;
        if (marks === undefined) damaged += 1;
        else records.push({ position, text, marks });
        bytes = bytes.subarray(end + 1);
      }
      if (bytes.length > 0 && index < files.length - 1) damaged += 1;
    }
    this.records = records;
    this.asOf = position;
    this.damaged = damaged;
  }

  /** All that matches, oldest first. */
  find(filter: Filter): LogLine[] {
    return this.records
      .filter(({ marks }) => matches(marks, filter))
      .toSorted((a, b) => comparePlaces(placeOf(a), placeOf(b)))
      .map(({ position, text }) => ({ position, text }));
  }
}

function placeOf({ marks, position }: ModelLine): { at: bigint | undefined; id: string; position: number } {
  return { at: marks.at, id: marks.id ?? "", position };
}

const TIMES = [
  "2026-01-01T00:00:00Z",
  "2026-01-01T00:00:00.000001Z",
  "2026-01-01T00:00:00.0000019Z",
  "2026-01-01T01:00:00.000001+01:00",
  "2025-12-31T19:00:00.5-05:00",
  "2026-01-01T00:00:00.5Z",
  "2026-01-01t00:00:01z",
  "2026-01-01 00:00:02.123456789Z",
  "2026-02-30T00:00:00Z",
  "2026-01-01T00:00:60Z",
  "2026-01-01T00:00:00.Z",
  "0001-01-01T00:00:00.000001Z",
  "9999-12-31T23:59:59.999999Z",
  "yesterday",
];
const IDS = Array.from("abcdefgh", (letter) => `id-${letter}`).concat("", "\u{1f600}", "\uffff", "\ud800");
const TYPES = ["ACTION", "STATE", "DECISION", "MILESTONE", ""];
const AGENTS = ["anna", "ben", "\u00e9va", "\ud800"];

const TURNS = [0, 1, 2, 3, 50, -1, 0.5, 1e300];

const eventLine: fc.Arbitrary<string> = fc
  .record(
    {
      event_id: fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...IDS) }, fc.constantFrom(null, 7)),
      message_id: fc.constantFrom(...IDS),
      timestamp: fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...TIMES) }, fc.constantFrom(null, 12)),
      occurred_at: fc.constantFrom(...TIMES),
      event_type: fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...TYPES) }, fc.constantFrom(null, 1)),
      event: fc.constantFrom(...TYPES),
      kind: fc.constantFrom(...TYPES),
      agent_id: fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...AGENTS) }, fc.constantFrom(null, 3)),
      from: fc.constantFrom({ agent_id: "anna" }, { agent_id: 1 }, "anna", [1]),
      agent: fc.constantFrom({ agent_id: "ben" }, "ben"),
      turn_number: fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...TURNS) }, fc.constantFrom(null, "2")),
      caused_by: fc.oneof(
        fc.array(fc.oneof(fc.constantFrom(...IDS), fc.constant(1)), { maxLength: 3 }),
        fc.constant("id-a"),
      ),
      variable_name: fc.string({ unit: "binary", maxLength: 20 }),
    },
    { requiredKeys: ["event_id", "timestamp", "event_type"] },
  )
  .map((event) => JSON.stringify(event));

const garbageLine = fc.constantFrom(
  "",
  "garbage",
  "[1,2]",
  '{"a":',
  "null",
  "\0\0\0",
  "\ufeff{}",
  '{"turn_number":1e999}',
  " {} ",
  '{"event_id":"x"}\r',
);

/** A line of a log, good or bad, as bytes without its newline. */
export const anyLine: fc.Arbitrary<Buffer> = fc.oneof(
  { weight: 12, arbitrary: eventLine.map((text) => Buffer.from(text)) },
  { weight: 1, arbitrary: garbageLine.map((text) => Buffer.from(text)) },
  { weight: 1, arbitrary: fc.constant(Buffer.from([0x7b, 0xff, 0x7d])) },
);

const someIds = fc.array(fc.constantFrom(...IDS, "unknown"), { maxLength: 3 });
const moments = TIMES.slice(0, 8).map((text) => parseTimestamp(text));

/** A filter by anything. */
export const anyFilter: fc.Arbitrary<Filter> = fc
  .record(
    {
      from: fc.constantFrom(...moments, moments[1] ?? 0n, -(2n ** 70n)),
      to: fc.constantFrom(...moments, 2n ** 70n),
      types: fc.array(fc.constantFrom(...TYPES, "none"), { maxLength: 3 }),
      agents: fc.array(fc.constantFrom(...AGENTS, "none"), { maxLength: 3 }),
      turnStart: fc.constantFrom(-1, 0, 1, 2.5, 60),
      turnEnd: fc.constantFrom(-1, 0, 1, 2.5, 60),
      ids: someIds,
      causes: someIds,
    },
    { requiredKeys: [] },
  )
  .chain((filter) => {
    const names = Object.keys(filter);
    // Mostly few of them at once, so that something is found.
    return fc
      .subarray(names, { maxLength: Math.min(3, names.length) })
      .map((kept) => Object.fromEntries(Object.entries(filter).filter(([name]) => kept.includes(name))));
  });
