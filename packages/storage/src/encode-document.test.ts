import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { encodeDocument, MAX_DEPTH } from "./encode-document.ts";
import type { Json } from "./json.ts";

const { json } = fc.letrec<{ json: Json }>((tie) => ({
  json: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom(null, true, false, -0, 0, 5e-324, 1e308, 2 ** 60),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.string({ unit: "binary" }),
    fc.constantFrom("\uD800", "\uDC00x"),
    fc.array(tie("json"), { maxLength: 5 }),
    fc.dictionary(fc.oneof(fc.string(), fc.constantFrom("__proto__", "toString", "7")), tie("json"), {
      maxKeys: 5,
    }),
  ),
}));

function nested(levels: number): Json {
  let value: Json = [];
  for (let level = 1; level < levels; level += 1) value = [value];
  return value;
}

describe("encodeDocument()", () => {
  it("the value comes back from its text, down to the sign of zero", () => {
    fc.assert(
      fc.property(json, (value) => {
        const text = encodeDocument(value);
        assert.ok(text.endsWith("\n"));
        assert.deepStrictEqual(JSON.parse(text), structuredClone(value));
      }),
    );
  });

  it("names the place of what JSON cannot hold", () => {
    const impossible: readonly [unknown, RegExp][] = [
      [{ a: [1, { b: undefined }] }, /undefined at "\$\.a\[1\]\.b"/],
      [{ a: Number.NaN }, /NaN at "\$\.a"/],
      [[[1n]], /a bigint at "\$\[0\]\[0\]"/],
      [{ at: new Date(0) }, /an object of a class at "\$\.at"/],
      [{ x: { toJSON: () => 1 } }, /toJSON\(\) at "\$\.x"/],
      [{ x: { [Symbol("s")]: 1 } }, /a symbol as key at "\$\.x"/],
    ];
    for (const [value, message] of impossible) {
      // @ts-expect-error: what a caller without types may pass
      assert.throws(() => encodeDocument(value), { name: "TypeError", message });
    }
  });

  it("takes nesting up to its limit", () => {
    const deepest = encodeDocument(nested(MAX_DEPTH));
    assert.equal(deepest.replaceAll(/\s/g, ""), "[".repeat(MAX_DEPTH) + "]".repeat(MAX_DEPTH));
    assert.equal(encodeDocument(JSON.parse(deepest)), deepest);
    assert.throws(() => encodeDocument(nested(MAX_DEPTH + 1)), /nesting deeper than 1000 levels/);
  });
});
