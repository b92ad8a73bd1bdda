/**
 * RFC 8785 written a second time, slowly and from the text of the specifications: nothing in it is shared with the package or with JSON.stringify.
 * Numbers follow ECMA-262's Number::toString from the shortest digits that read back as the same number, found by trying.
 */
export function referenceCanonicalJson(value: unknown): string {
  if (value === null) return "null";
  if (value === true) return "true";
  if (value === false) return "false";
  if (typeof value === "number") return referenceNumber(value);
  if (typeof value === "string") return referenceText(value);
  if (Array.isArray(value)) return `[${value.map(referenceCanonicalJson).join(",")}]`;
  if (typeof value !== "object") throw new TypeError(`No JSON: ${typeof value}`);
  const entries = Object.entries(value).map(([key, part]): [number[], string] => [
    unitsOf(key),
    `${referenceText(key)}:${referenceCanonicalJson(part)}`,
  ]);
  entries.sort(([a], [b]) => compareUnits(a, b));
  return `{${entries.map(([, text]) => text).join(",")}}`;
}

function unitsOf(text: string): number[] {
  return Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
}

function compareUnits(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i += 1) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

const ESCAPES: Readonly<Record<number, string>> = {
  8: "\\b",
  9: "\\t",
  10: "\\n",
  12: "\\f",
  13: "\\r",
  34: '\\"',
  92: "\\\\",
};

/** RFC 8785, section 3.2.2.2. */
export function referenceText(text: string): string {
  let written = '"';
  for (const unit of unitsOf(text)) {
    const escape = ESCAPES[unit];
    if (escape !== undefined) written += escape;
    else if (unit < 32) written += `\\u00${unit < 16 ? "0" : "1"}${"0123456789abcdef"[unit % 16] ?? ""}`;
    else written += String.fromCharCode(unit);
  }
  return `${written}"`;
}

/** ECMA-262, Number::toString with radix 10: `digits` x 10^(`point` - count of digits), of which count is as small as possible. */
export function referenceNumber(number: number): string {
  if (number === 0) return "0";
  if (number < 0) return `-${referenceNumber(-number)}`;
  const { digits, point } = shortestDigits(number);
  const count = digits.length;
  if (count <= point && point <= 21) return digits + "0".repeat(point - count);
  if (point > 0 && point <= 21) return `${digits.slice(0, point)}.${digits.slice(point)}`;
  if (point > -6 && point <= 0) return `0.${"0".repeat(-point)}${digits}`;
  const exponent = point - 1;
  const sign = exponent < 0 ? "-" : "+";
  const mantissa = count === 1 ? digits : `${digits.slice(0, 1)}.${digits.slice(1)}`;
  return `${mantissa}e${sign}${Math.abs(exponent)}`;
}

/** The fewest digits that read back as the number, and of those the closest to it: an exact search over the interval that rounds to it, in integers. */
function shortestDigits(number: number): { digits: string; point: number } {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, number);
  const bits = view.getBigUint64(0);
  const biased = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & 0xf_ffff_ffff_ffffn;
  const mantissa = biased === 0 ? fraction : fraction | (1n << 52n);
  const exponent = (biased === 0 ? 1 : biased) - 1075;
  // In units of 2^(exponent - 2): the number, and the ends of what rounds to it (closed when the mantissa is even).
  const below = fraction === 0n && biased > 1 ? 1n : 2n;
  const [value, low, high] = [mantissa * 4n, mantissa * 4n - below, mantissa * 4n + 2n];
  const closed = mantissa % 2n === 0n;
  const power = exponent - 2;
  const [up, down] = power >= 0 ? [1n << BigInt(power), 1n] : [1n, 1n << BigInt(-power)];
  // For each unit of ten, from the coarsest: the multiple nearest to the number that is inside.
  for (let ten = Math.ceil(Math.log10(number)) + 1; ; ten -= 1) {
    const [multiply, divide] = ten >= 0 ? [down * 10n ** BigInt(ten), up] : [down, up * 10n ** BigInt(-ten)];
    // A candidate c stands for c * multiply / divide of our units.
    const exact = value * divide;
    const candidates = [exact / multiply, exact / multiply + 1n];
    const inside = candidates.filter((candidate) => {
      const scaled = candidate * multiply;
      return (
        candidate > 0n &&
        (closed
          ? scaled >= low * divide && scaled <= high * divide
          : scaled > low * divide && scaled < high * divide)
      );
    });
    if (inside.length === 0) continue;
    const [first = 0n, second] = inside;
    const distance = (candidate: bigint): bigint =>
      candidate * multiply > exact ? candidate * multiply - exact : exact - candidate * multiply;
    let best = first;
    if (
      second !== undefined &&
      (distance(second) < distance(first) || (distance(second) === distance(first) && second % 2n === 0n))
    )
      best = second;
    const digits = String(best);
    const trimmed = digits.replace(/0+$/, "");
    return { digits: trimmed, point: digits.length + ten };
  }
}
