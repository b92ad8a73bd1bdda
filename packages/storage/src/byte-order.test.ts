import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { compareBytes } from "./byte-order.ts";

describe("compareBytes()", () => {
  it("orders texts as their UTF-8", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string({
        unit: fc.constantFrom("a", "/", "-", "\uE000", "\uFFFF", "\u{10000}", "\u{10FFFF}", "\uD7FF"),
      }),
    );
    fc.assert(
      fc.property(text, text, (a, b) => {
        assert.equal(Math.sign(compareBytes(a, b)), Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
    );
  });
});
