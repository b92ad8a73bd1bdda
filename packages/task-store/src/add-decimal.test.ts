import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addDecimal } from "./add-decimal.ts";

/** An amount with at most six decimals, and how many millionths it is. */
const amount = fc.nat({ max: 1_000_000_000 }).map((millionths) => ({
  millionths,
  value: Number(`${millionths}e-6`),
}));

describe("addDecimal()", () => {
  it("adds amounts of money without drifting, however many", () => {
    fc.assert(
      fc.property(fc.array(amount, { maxLength: 200 }), (amounts) => {
        const sum = amounts.reduce((total, { value }) => addDecimal(total, value), 0);
        const millionths = amounts.reduce((total, one) => total + one.millionths, 0);
        expect(sum).toBe(Number(`${millionths}e-6`));
      }),
    );
    let tenths = 0;
    for (let count = 0; count < 10; count += 1) tenths = addDecimal(tenths, 0.1);
    expect(tenths).toBe(1);
  });

  it("is never further from the sum than one rounding, and takes every double", () => {
    const double = fc.double({ min: 0, max: Number.MAX_VALUE / 4, noNaN: true });
    fc.assert(
      fc.property(double, double, (a, b) => {
        const sum = addDecimal(a, b);
        expect(Math.abs(sum - (a + b))).toBeLessThanOrEqual(Math.max(Number.MIN_VALUE, (a + b) * 2 ** -52));
        expect(addDecimal(b, a)).toBe(sum);
        expect(addDecimal(a, 0)).toBe(a);
      }),
    );
    expect(addDecimal(5e-324, 1e308)).toBe(1e308);
    expect(addDecimal(Number.MAX_VALUE, Number.MAX_VALUE)).toBe(Number.POSITIVE_INFINITY);
  });
});
