import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { durationText, parseDuration } from "./duration.ts";

describe("parseDuration()", () => {
  it("takes a whole number and a unit", () => {
    assert.equal(parseDuration("90s"), 90_000);
    assert.equal(parseDuration("30m"), 1_800_000);
    assert.equal(parseDuration("12h"), 43_200_000);
    assert.equal(parseDuration("7d"), 604_800_000);
    assert.equal(parseDuration("2w"), 1_209_600_000);
    assert.equal(parseDuration("0d"), 0);
  });

  it("takes nothing else", () => {
    for (const text of ["", "7", "d", "-1d", "1.5h", "7 d", "7D", "7days", "1h30m", "9999999999s", "１d"])
      assert.equal(parseDuration(text), undefined, text);
  });

  it("reads what durationText() writes", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100_000_000 }), (seconds) => {
        assert.equal(parseDuration(durationText(seconds * 1_000)), seconds * 1_000);
      }),
    );
  });
});
