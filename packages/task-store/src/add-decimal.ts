/**
 * Adds two amounts as the decimal numbers they are written as: 0.1 ten times is 1. Rounded once to the nearest double, so that nothing
 * drifts as long as the sum has at most 15 digits.
 */
export function addDecimal(a: number, b: number): number {
  const [left, right] = [decimalOf(a), decimalOf(b)];
  const exponent = Math.min(left.exponent, right.exponent);
  const digits =
    left.digits * 10n ** BigInt(left.exponent - exponent) +
    right.digits * 10n ** BigInt(right.exponent - exponent);
  return Number(`${digits}e${exponent}`);
}

function decimalOf(amount: number): { readonly digits: bigint; readonly exponent: number } {
  const [mantissa = "0", exponent = "0"] = String(amount).split("e");
  const [whole = "0", fraction = ""] = mantissa.split(".");
  return { digits: BigInt(whole + fraction), exponent: Number(exponent) - fraction.length };
}
