import assert from "node:assert/strict";
import { isUtf8 } from "node:buffer";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { Dictionary } from "./dictionary.ts";
import { NOT_USUAL } from "./json-bytes.ts";
import { textOf } from "./line-texts.ts";
import { MarkScanner } from "./mark-scanner.ts";
import { TailSegment } from "./tail-segment.ts";

const NAMES = [
  "timestamp",
  "occurred_at",
  "event_type",
  "event",
  "kind",
  "event_id",
  "message_id",
  "agent_id",
  "turn_number",
  "caused_by",
  "from",
  "agent",
  "__proto__",
  "details",
  "toString",
  "",
  "evant",
  "\u00e4",
];
const TEXTS = [
  "2026-01-01T00:00:00.000001Z",
  "2026-01-01T00:00:00.000002Z",
  "2026-01-01T00:00:01.5Z",
  "2026-01-01T00:00:00.000001z",
  "2026-02-30T00:00:00.000001Z",
  "1684-01-01T00:00:00.000001Z",
  "0001-01-01T00:00:00.123456Z",
  "9999-12-31T23:59:59.999999Z",
  "2026-01-01 00:00:00.000001Z",
  "2026-01-01T01:00:00.00000x+1",
  "",
  "a",
  "b",
  "id-\u{1f600}",
  "\uffff",
  "\u2028",
  "\ud800",
  "ACTION",
];
const space = fc.constantFrom("", "", "", "", "", " ", "\t", "  ", "\r", "\u00a0", "\f");

/** A text as JSON, its characters sometimes escaped. */
const string: fc.Arbitrary<string> = fc
  .tuple(
    fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(...NAMES, ...TEXTS) },
      { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 12 }) },
    ),
    fc.constantFrom(...(["plain", "plain", "plain", "plain", "escaped", "first escaped", "raw"] as const)),
  )
  .map(([text, form]) => {
    if (form === "raw") return `"${text}"`;
    const escaped = Array.from({ length: text.length }, (_, at) =>
      form === "escaped" || (form === "first escaped" && at === 0)
        ? `\\u${text.charCodeAt(at).toString(16).padStart(4, "0")}`
        : JSON.stringify(text.charAt(at)).slice(1, -1),
    );
    return form === "plain" ? JSON.stringify(text) : `"${escaped.join("")}"`;
  });

const scalar: fc.Arbitrary<string> = fc.constantFrom(
  "0",
  "-0",
  "7",
  "-7",
  "12",
  "1e3",
  "1E+2",
  "1e-2",
  "1.0",
  "1.5",
  "01",
  "-",
  "1.",
  ".5",
  "1e",
  "1e999",
  "+1",
  "9007199254740991",
  "9007199254740993",
  "123456789012345",
  "-123456789012345",
  "1".repeat(400),
  "NaN",
  "true",
  "false",
  "null",
  "tru",
  "nullx",
  "undefined",
  "'a'",
  "",
);

const { value, object } = fc.letrec<{ value: string; object: string; list: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthIdentifier: "json" },
    { weight: 5, arbitrary: string },
    { weight: 3, arbitrary: scalar },
    { weight: 2, arbitrary: tie("list") },
    { weight: 2, arbitrary: tie("object") },
  ),
  list: fc
    .tuple(fc.array(fc.tuple(space, tie("value"), space), { maxLength: 4 }), fc.constantFrom("", "", "", ","))
    .map(([items, end]) => `[${items.map((parts) => parts.join("")).join(",")}${end}]`),
  object: fc
    .tuple(
      fc.array(
        fc.tuple(space, string, space, fc.constantFrom(":", ":", ":", ":", ""), space, tie("value"), space),
        {
          maxLength: 9,
        },
      ),
      fc.constantFrom("", "", "", "", ","),
    )
    .map(([members, end]) => `{${members.map((parts) => parts.join("")).join(",")}${end}}`),
}));

/** Events as Holdfast and others write them. */
const event: fc.Arbitrary<string> = fc
  .record(
    {
      event_id: fc.constantFrom(...TEXTS),
      message_id: fc.constantFrom(...TEXTS),
      timestamp: fc.constantFrom(...TEXTS),
      occurred_at: fc.constantFrom(...TEXTS),
      event_type: fc.constantFrom(...TEXTS),
      event: fc.constantFrom(...TEXTS),
      kind: fc.constantFrom(...TEXTS),
      agent_id: fc.constantFrom("anna", "ben", null, 1),
      from: fc.constantFrom({ agent_id: "anna", x: [{ agent_id: "ben" }] }, { agent_id: 1 }, "anna", {}),
      agent: fc.constantFrom({ a: {}, agent_id: "ben" }, "ben"),
      turn_number: fc.constantFrom(0, -1, 3, 0.5, 1e300, null, "2"),
      caused_by: fc.array(fc.oneof(fc.constantFrom(...TEXTS), fc.constant([1])), { maxLength: 20 }),
      details: fc.jsonValue(),
    },
    { requiredKeys: [] },
  )
  .map((each) => JSON.stringify(each));

const line: fc.Arbitrary<Buffer> = fc
  .tuple(
    fc.oneof(
      { weight: 4, arbitrary: event },
      { weight: 4, arbitrary: object },
      { weight: 1, arbitrary: value },
    ),
    fc.constantFrom("", "", "", "", " ", "\r", "x", "{}", "\u0000"),
    fc.constantFrom("", "", "", "", "", " ", "\ufeff"),
    fc.option(
      fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }), length: fc.nat({ max: 2 }) }),
      {
        freq: 3,
      },
    ),
  )
  .map(([text, end, start, damage]) => {
    const bytes = Buffer.from(`${start}${text}${end}`);
    const at = damage === null ? 0 : damage.at % (bytes.length + 1);
    const changed =
      damage === null
        ? bytes
        : Buffer.concat([
            bytes.subarray(0, at),
            Buffer.from([damage.byte]),
            bytes.subarray(at + damage.length),
          ]);
    return Buffer.from(changed.filter((byte) => byte !== 0x0a));
  });

/** Everything that can be asked of lines that were indexed, by the scanner where it takes them or not at all. */
function indexed(lines: readonly Buffer[], scanner: MarkScanner | undefined): unknown {
  const types = new Dictionary();
  const agents = new Dictionary();
  const tail = new TailSegment(1, types, agents);
  let offset = 0;
  for (const each of lines) {
    // As in a block of a file: other lines stand before and after it.
    const bytes = Buffer.concat([Buffer.from("{}\n"), each, Buffer.from('\n{"event_id":"other"}\n')]);
    const place = isUtf8(bytes) ? (scanner?.scan(bytes, 3) ?? NOT_USUAL) : NOT_USUAL;
    const after = offset + each.length + 1;
    if (place === NOT_USUAL || scanner === undefined) tail.add(textOf(each), 0, offset, after);
    else {
      assert.equal(place, 3 + each.length);
      tail.addScanned(bytes, scanner, 0, offset, after);
    }
    offset = after;
  }
  return {
    ...tail.header,
    types: [...tail.header.types].toSorted(([a], [b]) => a - b),
    times: Array.from(tail.times()),
    columns: [tail.types(), tail.agents(), tail.turns(), tail.lines(), tail.offsets()],
    texts: [types.from(1), agents.from(1)],
    lists: [tail.ids, tail.causes].map(({ hashes, lines: of }) => [hashes.values(), of.values()]),
  };
}

describe("MarkScanner", () => {
  it("scan() finds in any line what JSON.parse finds in it, and no line usual that is no JSON", () => {
    const scanner = new MarkScanner();
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 12 }), (lines) => {
        assert.deepEqual(indexed(lines, scanner), indexed(lines, undefined));
      }),
      { numRuns: process.env["HOLDFAST_LONG"] === undefined ? 500 : 20_000 },
    );
  });

  it("scan() takes the lines that Holdfast writes, with details of any kind", () => {
    const details = {
      text: 'a "quote" \\ \n \u00e9 \u{1f600} \ud800',
      list: [[], {}, -1.5e-7, true, null],
      deep: { x: [{}] },
    };
    const lines = [
      {
        event_id: "01A",
        timestamp: TEXTS[0],
        turn_number: 3,
        event_type: "STATE",
        agent_id: "anna",
        caused_by: ["01B"],
        details,
      },
      {
        kind: "event",
        message_id: "01C",
        from: { agent_type: "x", agent_id: "b" },
        payload: details,
        occurred_at: TEXTS[2],
      },
      {},
    ];
    const scanner = new MarkScanner();
    for (const each of lines) {
      const bytes = Buffer.from(`${JSON.stringify(each)}\n`);
      assert.equal(scanner.scan(bytes, 0), bytes.length - 1);
    }
  });

  it("scan() leaves values that are nested without end to JSON.parse", () => {
    const bytes = Buffer.from(`{"details":${"[".repeat(200_000)}${"]".repeat(200_000)}}\n`);
    assert.equal(new MarkScanner().scan(bytes, 0), NOT_USUAL);
  });
});
