import { parseJsonStrict } from "@holdfast/fsutil";

/** Decimal digits of a whole number from 0 to 2^31. */
function digitsOf(whole: number): number {
  if (whole < 10) return 1;
  if (whole < 100) return 2;
  if (whole < 1000) return 3;
  let digits = 4;
  for (let bound = 10_000; whole >= bound; bound *= 10) digits++;
  return digits;
}

/** Added to a length for each number that an exponent writes shorter: 1e3. No text is as long. */
const ROUND = 2 ** 40;
const EXPONENT = /\d[eE]/;

/**
 * How many characters a number has in JSON without an exponent, which can be shorter ({@link ROUND}); NaN where another text was likely, or where it
 * can have said another number (above 2^53).
 */
function numberLength(value: number): number {
  // Most numbers are short and whole: no text is made for them.
  if ((value | 0) === value) {
    const size = value < 0 ? -value : value;
    const length = digitsOf(size) + (value < 0 ? 1 : 0);
    return size >= 1000 && size % 1000 === 0 ? length + ROUND : length;
  }
  const size = Math.abs(value);
  if (Number.isSafeInteger(size)) return size % 1000 === 0 ? Number.NaN : String(value).length;
  return size >= 0.01 && size < 1e15 ? String(value).length : Number.NaN;
}

function isObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === "object" && value !== null;
}

/**
 * How many characters the shortest JSON of a value has, as far as it needs no escapes; NaN where that cannot be said. Flat, with the
 * commonest kinds first, because it runs for every value of every record.
 */
function shortestLength(value: unknown): number {
  if (typeof value === "string") return value.length + 2;
  if (typeof value === "number") return numberLength(value);
  if (!isObject(value)) return value === false ? 5 : 4;
  let length = 1;
  if (Array.isArray(value)) {
    for (const item of value as readonly unknown[]) length += shortestLength(item) + 1;
  } else {
    for (const key in value) {
      const item = value[key];
      length += key.length + 4;
      if (typeof item === "string") length += item.length + 2;
      else if (typeof item === "number") length += numberLength(item);
      else length += shortestLength(item);
    }
  }
  return length === 1 ? 2 : length;
}

/**
 * Parses a line, and refuses it when the value would not be what the text says: a key that is given twice, an integer above
 * 2^53, a number beyond all doubles.
 *
 * A text that is exactly as long as the shortest JSON of its value has no room for anything that was dropped. Only other
 * texts (with spaces, escapes, exponents) are looked through.
 */
export function parseExact(text: string, path: string): unknown {
  const record: unknown = JSON.parse(text);
  const length = shortestLength(record);
  if (length === text.length) return record;
  // Of a thousand whole numbers in a row one is round.
  const isPlain = length > ROUND && length % ROUND === text.length && !EXPONENT.test(text);
  return isPlain ? record : parseJsonStrict(text, { path });
}
