import assert from "node:assert/strict";
import type { Json } from "@holdfast/storage";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { applyPatch } from "./apply-patch.ts";
import { diffStates } from "./diff-states.ts";

const name = fc.oneof(
  fc.constantFrom("__proto__", "a/b", "~", "~1", "", "0", "1", "-", "id", "name", "constructor", "length"),
  fc.string({ unit: "binary", maxLength: 3 }),
);
const leaf = fc.constantFrom<Json>(null, true, false, 0, -0, 1, 2, "", "a", "b", "~0");
const { value: anyJson } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    leaf,
    fc.array(tie("value"), { maxLength: 5 }),
    fc
      .array(fc.tuple(name, tie("value")), { maxLength: 5 })
      .map((entries): Json => Object.fromEntries(entries)),
    // Lists of named items, also with names that occur twice, are no texts, or are missing.
    fc.array(
      fc
        .tuple(
          fc.constantFrom("id", "name", "other"),
          fc.oneof(fc.integer({ min: 0, max: 6 }), fc.constantFrom<Json>("0", "1", "a", null, -0)),
          tie("value"),
        )
        .map(([key, called, value]): Json => ({ [key]: called, value })),
      { maxLength: 7 },
    ),
    fc
      .uniqueArray(fc.integer({ min: 0, max: 20 }), { maxLength: 12 })
      .chain((ids) => fc.tuple(...ids.map((id) => tie("value").map((value): Json => ({ id, value }))))),
  ),
}));

describe("diffStates()", () => {
  it("gives a patch that makes the one value the other, and changes neither", () => {
    fc.assert(
      fc.property(anyJson, anyJson, (a, b) => {
        const [copyA, copyB] = [structuredClone(a), structuredClone(b)];
        const patch = diffStates(a, b);
        assert.deepStrictEqual(applyPatch(a, patch), b);
        assert.deepStrictEqual([a, b], [copyA, copyB]);
        assert.deepEqual(diffStates(a, copyA), []);
      }),
      { numRuns: 3_000 },
    );
  });

  it("names agents by their id or name, wherever they stand, and what changed of them", () => {
    const nations = [
      { name: "A", strength: 1 },
      { name: "B", strength: 2 },
      { name: "C", strength: 3 },
    ];
    const [a, b, c] = nations;
    assert.deepEqual(
      diffStates({ nations }, { nations: [a ?? 0, { name: "N" }, b ?? 0, { name: "C", strength: 4 }] }),
      [
        { op: "add", path: "/nations/1", value: { name: "N" } },
        { op: "replace", path: "/nations/3/strength", value: 4 },
      ],
    );
    assert.deepEqual(diffStates(nations, [b ?? 0, c ?? 0]), [{ op: "remove", path: "/0" }]);
    assert.deepEqual(diffStates(nations, [c ?? 0, a ?? 0, b ?? 0]), [
      { op: "remove", path: "/2" },
      { op: "add", path: "/0", value: c },
    ]);
    assert.deepEqual(diffStates({ "a/b": { "~": 1 } }, { "a/b": { "~": 2 } }), [
      { op: "replace", path: "/a~1b/~0", value: 2 },
    ]);
  });

  it("compares values that are nested without end in sight", () => {
    const patch = diffStates(nested(50_000, 1), nested(50_000, 2));
    assert.equal(patch.length, 1);
  });

  it("grows with the size of the states alone: shuffled, changed and mostly new agents", () => {
    const [a, b] = [agents(20_000, 0), agents(20_000, 1_000)];
    assert.deepStrictEqual(applyPatch({ agents: a }, diffStates({ agents: a }, { agents: b })), {
      agents: b,
    });
  });
});

function nested(depth: number, end: Json): Json {
  let value = end;
  for (let level = 0; level < depth; level += 1) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}

function agents(count: number, change: number): Json[] {
  return Array.from({ length: count }, (_, index) => ({
    id: (index * 7919 + change) % (count + change),
    name: `agent ${index}`,
    history: [index, change, { turn: change }],
  }));
}
