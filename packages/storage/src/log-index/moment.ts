import { parseTimestamp } from "../timestamp.ts";
import { standsAt } from "./json-bytes.ts";

/**
 * Microseconds since 1970, as a number where that is exact (from 1684 to 2255) and as a bigint otherwise: they compare with each
 * other. {@link NO_MOMENT} stands for none, and comes before all.
 */
export type Moment = number | bigint;

/** The moment of a line that says none. */
export const NO_MOMENT = Number.NEGATIVE_INFINITY;

/** Length of `2026-01-02T03:04:05`. */
const SECONDS_LENGTH = 19;
/** Length of `2026-01-02T03:04:05.123456Z`. */
const USUAL_LENGTH = 27;

/** The shortest form of a moment. */
export function asMoment(microseconds: bigint): Moment {
  const number = Number(microseconds);
  return Number.isSafeInteger(number) ? number : microseconds;
}

/** Reads timestamps as `parseTimestamp()` does, several times as fast when many of the same second follow each other. */
export class MomentReader {
  #seconds = "";
  #base: bigint | undefined;
  /** The seconds of the last plain text, and their microseconds where all of them are exact as numbers. */
  readonly #plain = Buffer.alloc(SECONDS_LENGTH);
  #plainBase: number | undefined;

  /** `undefined` for what is no timestamp. */
  read(value: unknown): Moment | undefined {
    if (typeof value !== "string") return undefined;
    const fraction = microsecondsAfter(value);
    if (fraction === undefined) return parsed(value);
    const seconds = value.slice(0, SECONDS_LENGTH);
    if (seconds !== this.#seconds) {
      this.#seconds = seconds;
      this.#base = wholeSecond(seconds);
    }
    if (this.#base === undefined) return undefined;
    const exact = Number(this.#base) + fraction;
    return Number.isSafeInteger(exact) ? exact : asMoment(this.#base + BigInt(fraction));
  }

  /** {@link read} of a text that stands in some bytes, all of them ASCII; it is made only for the first of a second. */
  readPlain(bytes: Buffer, start: number, end: number): Moment | undefined {
    const fraction = plainMicroseconds(bytes, start, end);
    if (fraction === undefined) return this.read(bytes.toString("latin1", start, end));
    if (this.#plainBase === undefined || !standsAt(bytes, start, this.#plain)) {
      const moment = this.read(bytes.toString("latin1", start, end));
      bytes.copy(this.#plain, 0, start, start + SECONDS_LENGTH);
      const base = typeof moment === "number" ? moment - fraction : Number.NaN;
      this.#plainBase = Number.isSafeInteger(base) ? base : undefined;
      return moment;
    }
    const exact = this.#plainBase + fraction;
    return Number.isSafeInteger(exact) ? exact : this.read(bytes.toString("latin1", start, end));
  }
}

/** {@link microsecondsAfter} in bytes, of the form that Holdfast writes; `undefined` for any other. */
function plainMicroseconds(bytes: Uint8Array, start: number, end: number): number | undefined {
  if (end - start !== USUAL_LENGTH || bytes[end - 1] !== 0x5a || bytes[start + SECONDS_LENGTH] !== 0x2e)
    return undefined;
  let value = 0;
  for (let at = start + SECONDS_LENGTH + 1; at < end - 1; at += 1) {
    const digit = (bytes[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return value;
}

/** The microseconds in `.123456Z` after the seconds; `undefined` for any other form. */
function microsecondsAfter(text: string): number | undefined {
  const last = text.length - 1;
  const end = text.charCodeAt(last);
  if (last < SECONDS_LENGTH || (end !== 0x5a && end !== 0x7a)) return undefined;
  if (last === SECONDS_LENGTH) return 0;
  if (text.charCodeAt(SECONDS_LENGTH) !== 0x2e || last === SECONDS_LENGTH + 1) return undefined;
  let value = 0;
  let digits = 0;
  for (let at = SECONDS_LENGTH + 1; at < last; at += 1) {
    const digit = text.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    if (digits === 6) continue;
    value = value * 10 + digit;
    digits += 1;
  }
  for (; digits < 6; digits += 1) value *= 10;
  return value;
}

function wholeSecond(text: string): bigint | undefined {
  try {
    return parseTimestamp(`${text}Z`);
  } catch {
    return undefined;
  }
}

function parsed(text: string): Moment | undefined {
  try {
    return asMoment(parseTimestamp(text));
  } catch {
    return undefined;
  }
}
