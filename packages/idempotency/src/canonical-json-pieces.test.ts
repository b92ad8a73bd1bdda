import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { canonicalJson } from "./canonical-json.ts";
import { canonicalJsonPieces, exactJsonPieces } from "./canonical-json-pieces.ts";

function joined(value: unknown, options = {}): string {
  return [...canonicalJsonPieces(value, options)].join("");
}

/** Makes parts of a value so long that they are cut; where, depends on the numbers. */
function swollen(value: unknown, sizes: readonly number[], at = { index: 0 }): unknown {
  const size = sizes[at.index++ % sizes.length] ?? 0;
  if (typeof value === "string") return value + "x".repeat(size % 200_000);
  if (Array.isArray(value)) {
    const items = value.map((item) => swollen(item, sizes, at));
    return size % 3 === 0 ? items.concat(Array.from({ length: size % 40_000 }, (_, i) => i)) : items;
  }
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([name, item]) => [name, swollen(item, sizes, at)] as const);
  const more = size % 4 === 0 ? Array.from({ length: size % 30_000 }, (_, i) => [`k${i}`, i] as const) : [];
  return Object.fromEntries([...entries, ...more]);
}

const names = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.nat().map(String),
  fc.constantFrom("__proto__", "", "toJSON", "a/b"),
);
const document = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "medium", withCrossShrink: true },
    fc.constantFrom(null, true, false, 0, -0, 1e21, ""),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.string({ unit: "grapheme" }),
    fc.array(tie("value"), { maxLength: 6 }),
    fc.array(fc.tuple(names, tie("value")), { maxLength: 8 }).map((entries) => Object.fromEntries(entries)),
  ),
})).value;

describe("canonicalJsonPieces()", () => {
  it("gives the text of canonicalJson() in pieces, wherever it cuts", () => {
    let cut = 0;
    fc.assert(
      fc.property(document, fc.array(fc.nat(), { minLength: 1, maxLength: 20 }), (value, sizes) => {
        const large = swollen({ value, list: [value, value] }, sizes);
        const pieces = [...canonicalJsonPieces(large)];
        if (pieces.length > 1) cut += 1;
        assert.ok(pieces.join("") === canonicalJson(large));
        assert.ok([...exactJsonPieces(large)].join("") === JSON.stringify(large, keepSign));
      }),
      { numRuns: process.env["HOLDFAST_LONG"] === "1" ? 60 : 10 },
    );
    assert.ok(cut > 2, `only ${cut} were cut`);
  });

  it("gives short pieces of a long value, and copies none of it", () => {
    const list = Array.from({ length: 100_000 }, (_, id) => ({ name: `agent-${id}`, id, z: [id], a: -id }));
    const value = { turn: 1, list, map: Object.fromEntries(list.map((item) => [String(item.id), item])) };
    const pieces = [...canonicalJsonPieces(value)];
    assert.ok(pieces.length > 20);
    assert.ok(Math.max(...pieces.map((piece) => piece.length)) < 1_000_000);
    assert.ok(pieces.join("") === canonicalJson(value));
    assert.deepEqual(Object.keys(list[0] ?? {}), ["name", "id", "z", "a"]);
  });

  it("writes any depth", () => {
    let value: unknown = Array.from({ length: 100_000 }, (_, i) => i);
    for (let i = 0; i < 20_000; i += 1) value = i % 2 === 0 ? [value] : { b: value, a: 0 };
    assert.ok(joined(value) === canonicalJson(value));
    let wide: unknown = "x".repeat(10_000);
    for (let i = 0; i < 300; i += 1) wide = { b: wide, a: "y".repeat(10_000) };
    assert.ok(joined(wide) === canonicalJson(wide));
  });

  it("refuses what canonicalJson() refuses, with the same code, place and message", () => {
    const cycle: unknown[] = Array.from({ length: 100_000 }, () => "some text");
    cycle.push({ here: cycle });
    const filler = Array.from({ length: 100_000 }, () => "some text");
    const hidden = Object.assign([...filler], { [Symbol("s")]: 1 });
    const faults: readonly unknown[] = [
      undefined,
      { a: filler, b: [undefined] },
      { b: [Number.NaN], a: filler },
      [...filler, 1n],
      [filler, new Date(0)],
      { z: filler, "\uD800": 1 },
      { a: { text: "\uDC00" }, b: filler },
      // oxlint-disable-next-line no-sparse-arrays
      [...filler, , 1],
      Object.assign(Object.create({ inherited: filler }), { filler }),
      { filler, [Symbol("s")]: 1 },
      Object.assign(new Map(), { filler }),
      { filler, at: { toJSON: () => 1 } },
      cycle,
      { in: { a: cycle } },
    ];
    for (const value of faults) {
      const expected = thrown(() => canonicalJson(value, { root: "state" }));
      const actual = thrown(() => joined(value, { root: "state" }));
      assert.ok(expected instanceof Error && actual instanceof Error, String(expected));
      assert.equal(actual.message, expected.message);
      for (const name of ["code", "documentPath"])
        assert.equal(Reflect.get(actual, name), Reflect.get(expected, name));
    }
    assert.ok(joined(hidden) === canonicalJson(hidden));
  });

  it("says when its text is not the exact one: names out of order, or a -0", () => {
    const filler = Array.from({ length: 100_000 }, (_, i) => ({ id: i, name: "agent" }));
    const changed = [
      { b: 1, a: 2 },
      { 9: 1, 10: 2 },
      [-0],
      { filler, a: 1 },
      { filler, list: [...filler, { b: 1, a: 1 }] },
      { filler, __proto__x: -0 },
      JSON.parse('{"z":1,"__proto__":2}'),
      { 9: filler, 10: filler },
    ];
    const exact = [{ a: 2, b: 1 }, [0], { filler }, filler, { a: filler, b: { 1: 1, 2: filler } }];
    for (const [values, expected] of [
      [changed, 1],
      [exact, 0],
    ] as const) {
      for (const value of values) {
        let told = 0;
        const text = joined(value, { onChanged: () => (told += 1) });
        assert.ok(text === canonicalJson(value));
        assert.equal(told, expected, text.slice(0, 100));
        assert.equal([...exactJsonPieces(value)].join("") === text, expected === 0);
      }
    }
  });

  it("writes no property that an object only inherits", () => {
    const value: readonly object[] = [
      { constructor: 1, b: 2, a: 3 },
      { b: 1, a: 2 },
      { toString: 1, hasOwnProperty: 2 },
    ];
    assert.equal(joined(value), canonicalJson(value));
    const many = Array.from({ length: 200 }, (_, i) => ({ [`n${i}`]: 1, b: 1, a: 1 }));
    assert.equal(joined(many), canonicalJson(many));
  });
});

function keepSign(_name: string, value: unknown): unknown {
  const json: object & { readonly rawJSON?: (text: string) => unknown } = JSON;
  return Object.is(value, -0) ? json.rawJSON?.("-0") : value;
}

function thrown(act: () => unknown): unknown {
  try {
    act();
    return undefined;
  } catch (error) {
    return error;
  }
}
