import assert from "node:assert/strict";
import { canonicalJson } from "@holdfast/idempotency";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { deepFreeze, plainJson } from "./plain-json.ts";

const json = fc.jsonValue({ maxDepth: 4, noUnicodeString: false });

describe("plainJson()", () => {
  it("copies any JSON: the same, in the order it is read back, with nothing shared", () => {
    fc.assert(
      fc.property(json, (value) => {
        const copy = plainJson(value, "state");
        const text = canonicalJson(copy);
        assert.equal(text, canonicalJson(value));
        assert.equal(JSON.stringify(copy), JSON.stringify(JSON.parse(text)));
        deepFreeze(copy);
        assert.equal(canonicalJson(structuredClone(value)), text);
      }),
    );
  });

  it("takes an object without a prototype, and one of another realm's shape", () => {
    const bare: unknown = Object.assign(Object.create(null), { a: 1 });
    assert.deepEqual(plainJson(bare, "state"), { a: 1 });
  });

  it.each<[string, unknown, RegExp]>([
    ["a hole in a list", Object.assign([1, 2, 3], { length: 5 }), /"state\[3\]": it is missing/],
    ["a symbol as key", { a: { [Symbol("s")]: 1 } }, /"state\.a": it has a symbol/],
    ["a key that is half a pair", { "\udc00": 1 }, /half of a surrogate pair/],
    ["a map", { m: new Map() }, /"state\.m": it is a Map/],
    ["__proto__ as a key", JSON.parse('{"a":{"__proto__":1}}'), /__proto__.*not allowed/],
    ["a child of an object", { m: Object.create({ x: 1 }) }, /"state\.m": it is/],
  ])("refuses %s", (_, value, message) => {
    assert.throws(() => plainJson(value, "state"), { code: "SIMULATION_STATE", message });
  });

  it("refuses what is nested too deeply, without running out of stack", () => {
    let deep: unknown = 1;
    for (let depth = 0; depth < 100_000; depth += 1) deep = [deep];
    assert.throws(() => plainJson(deep, "state"), { code: "SIMULATION_STATE", message: /deeper than 2000/ });
  });

  it("takes the same object twice where it is no cycle", () => {
    const shared = { a: 1 };
    const copy = plainJson({ x: shared, y: shared }, "state") as Record<string, unknown>;
    assert.notEqual(copy["x"], copy["y"]);
  });
});
