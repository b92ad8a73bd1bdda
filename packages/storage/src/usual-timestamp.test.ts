import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { formatTimestamp, parseTimestamp } from "./timestamp.ts";
import { usualMoment } from "./usual-timestamp.ts";

/** As the pattern reads it: with an offset a timestamp does not have the usual form. */
function bySlowWay(text: string): bigint | undefined {
  try {
    return parseTimestamp(text.replace(/Z$/, "+00:00"));
  } catch {
    return undefined;
  }
}

describe("usualMoment()", () => {
  it("reads what Holdfast writes, with any number of digits, as the slow way does", () => {
    const moment = fc.bigInt({
      min: parseTimestamp("1700-01-01T00:00:00Z"),
      max: parseTimestamp("2200-12-31T23:59:59.999999Z"),
    });
    fc.assert(
      fc.property(moment, fc.integer({ min: 0, max: 7 }), (at, left) => {
        const text = formatTimestamp(at).replace(new RegExp(`.{${left}}Z$`), "Z");
        if (text.endsWith(".Z")) assert.equal(usualMoment(text), undefined);
        else assert.equal(usualMoment(text), Number(bySlowWay(text)), text);
      }),
      { numRuns: 500 },
    );
  });

  it("never reads anything otherwise than the slow way, whatever characters are changed", () => {
    const form = fc.constantFrom(
      "2026-02-28T23:59:59.999999Z",
      "2024-02-29T00:00:00Z",
      "1999-12-31T03:04:05.5Z",
    );
    const change = fc.tuple(fc.nat({ max: 26 }), fc.constantFrom(...Array.from("0123456789-:.TtZz +é"), ""));
    fc.assert(
      fc.property(form, fc.array(change, { minLength: 1, maxLength: 3 }), (text, changes) => {
        let changed = text;
        for (const [at, character] of changes)
          changed = changed.slice(0, at) + character + changed.slice(at + 1);
        const found = usualMoment(changed);
        if (found !== undefined) assert.equal(BigInt(found), bySlowWay(changed), changed);
        else if (/^(1[789]|20|21)\d\d-.{2}-.{2}T.{2}:.{2}:.{2}(\..{1,6})?Z$/.test(changed)) {
          assert.equal(bySlowWay(changed), undefined, changed);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it("knows every day of the calendar", () => {
    for (const year of [1700, 1900, 1996, 2000, 2023, 2024, 2100, 2200]) {
      for (let month = 0; month <= 13; month += 1) {
        for (let day = 0; day <= 32; day += 1) {
          const date = [year, month, day].map((part) => String(part).padStart(2, "0")).join("-");
          const slow = bySlowWay(`${date}T00:00:00Z`);
          assert.equal(usualMoment(`${date}T00:00:00Z`), slow === undefined ? undefined : Number(slow), date);
        }
      }
    }
  });
});
