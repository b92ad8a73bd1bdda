import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDuration } from "../src/duration.mjs";

const zero = { years: 0, months: 0, days: 0, hours: 0, minutes: 0, seconds: 0 };
const parts = (text) => {
  const { weeks = 0, ...rest } = parseDuration(text);
  return { weeks, ...rest };
};

test("reads dates and times, P3Y6M4DT12H30M5S", () => {
  const expected = { weeks: 0, years: 3, months: 6, days: 4, hours: 12, minutes: 30, seconds: 5 };
  assert.deepEqual(parts("P3Y6M4DT12H30M5S"), expected);
});

test("tells months from minutes, P1M and PT1M", () => {
  assert.deepEqual(parts("P1M"), { weeks: 0, ...zero, months: 1 });
  assert.deepEqual(parts("PT1M"), { weeks: 0, ...zero, minutes: 1 });
});

test("reads weeks, P2W", () => {
  assert.deepEqual(parts("P2W"), { weeks: 2, ...zero });
});

test("refuses a duration without parts, P, PT and P1DT", () => {
  for (const text of ["P", "PT", "P1DT"]) assert.throws(() => parseDuration(text), RangeError, text);
});

test("refuses what is no duration, 1D and P1S", () => {
  for (const text of ["", "1D", "P1S", "P-1D", "P1D "])
    assert.throws(() => parseDuration(text), RangeError, text);
});
