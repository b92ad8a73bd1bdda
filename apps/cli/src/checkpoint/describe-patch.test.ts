import assert from "node:assert/strict";
import { diffStates } from "@holdfast/checkpoint";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { describePatch } from "./describe-patch.ts";

const item = fc.record({ id: fc.integer({ min: 0, max: 9 }), value: fc.jsonValue({ maxDepth: 1 }) });
const state = fc.record({
  turn: fc.nat(),
  list: fc.array(fc.oneof(item, fc.jsonValue({ maxDepth: 1 })), { maxLength: 8 }),
  agents: fc.uniqueArray(item, { selector: ({ id }) => id, maxLength: 8 }),
  rest: fc.dictionary(fc.constantFrom("a", "b/c", "d~e", "__proto__", "0"), fc.jsonValue({ maxDepth: 2 })),
});

describe("describePatch()", () => {
  it("walks from the one state to the other, and tells what stood there before", () => {
    fc.assert(
      fc.property(state, state, (first, second) => {
        // As they come from a file: no -0, prototypes of plain objects.
        const a = JSON.parse(JSON.stringify(first));
        const b = JSON.parse(JSON.stringify(second));
        const changed = structuredClone(a);
        const changes = [...describePatch(changed, diffStates(a, b))];
        assert.equal(JSON.stringify(sorted(changed)), JSON.stringify(sorted(b)));
        for (const { op, before, after } of changes) {
          assert.equal(after === undefined, op === "remove");
          assert.equal(before === undefined, op === "add");
        }
      }),
    );
  });

  it("tells of a whole value that was replaced", () => {
    assert.deepEqual(
      [...describePatch([1], [{ op: "replace", path: "", value: { a: 1 } }])],
      [{ op: "replace", path: "", after: { a: 1 }, before: [1] }],
    );
  });
});

/** The order of keys says nothing. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, part]) => [name, sorted(part)]);
}
