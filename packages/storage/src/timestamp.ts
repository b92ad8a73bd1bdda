import * as z from "zod";
import { usualMoment } from "./usual-timestamp.ts";

const PATTERN =
  /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;

/** A moment as RFC 3339: written in UTC with six fraction digits, read with any offset and any number of digits. */
export const timestampSchema = z
  .string()
  .regex(PATTERN, { error: "must be an RFC 3339 timestamp such as 2026-01-02T03:04:05.123456Z", abort: true })
  .refine((text) => microsecondsOf(text) !== undefined, "must be a moment that exists")
  .describe("RFC 3339 timestamp");

/** Where the time comes from: microseconds since 1970. Tests pass their own. */
export type Clock = () => bigint;

/** What a clock is made from. */
export interface ClockSources {
  /** Milliseconds since 1970, as `Date.now()`. */
  readonly now: () => number;
  /** Nanoseconds of a clock that never goes back, as `process.hrtime.bigint()`. */
  readonly monotonicNs: () => bigint;
}

/**
 * Makes a clock of microseconds: never further than 2 ms from `now`, and each reading larger than the one before, unless
 * `now` itself goes back.
 *
 * The readings between two milliseconds come from the monotonic clock, counted from a moment that is taken anew as soon
 * as the two clocks differ by more than 2 ms (a system clock that is being corrected).
 *
 * @param sources - Default: the clocks of the process.
 */
export function createClock(sources: Partial<ClockSources> = {}): Clock {
  const { now = Date.now, monotonicNs = () => process.hrtime.bigint() } = sources;
  let anchorUs: bigint | undefined;
  let anchorNs = 0n;
  let lastMs = 0;
  let last = 0n;
  const read = (): bigint => {
    const ms = now();
    const ns = monotonicNs();
    const wall = BigInt(ms) * 1_000n;
    let reading = anchorUs === undefined ? wall : anchorUs + (ns - anchorNs) / 1_000n;
    const ahead = reading - wall;
    if (anchorUs === undefined || ahead < 0n || ahead > 2_000n) {
      anchorUs = wall;
      anchorNs = ns;
      reading = wall;
    }
    if (ms < lastMs) last = reading - 1n; // the system's clock went back, and so do we
    lastMs = ms;
    return reading;
  };
  return () => {
    let reading = read();
    // Two readings within a microsecond: wait for the next one rather than run ahead of the time.
    for (let tries = 0; reading <= last && tries < 100; tries += 1) reading = read();
    last = reading > last ? reading : last + 1n;
    return last;
  };
}

/** The system's clock in microseconds, as {@link createClock} makes it. Its last reading is all it remembers. */
export const systemClock: Clock = /* @__PURE__ */ createClock();

const MIN = -62_167_219_200_000_000n; // 0000-01-01
const MAX = 253_402_300_799_999_999n; // 9999-12-31T23:59:59.999999

/**
 * Writes a moment the way Holdfast stores it: `2026-01-02T03:04:05.123456Z`.
 *
 * @param microseconds - Since 1970; from year 0 to year 9999.
 * @throws {RangeError} Outside these years.
 */
export function formatTimestamp(microseconds: bigint): string {
  if (microseconds < MIN || microseconds > MAX) {
    throw new RangeError(
      `Not a moment between the years 0 and 9999: ${microseconds} microseconds since 1970`,
    );
  }
  const rest = ((microseconds % 1_000n) + 1_000n) % 1_000n;
  const milliseconds = (microseconds - rest) / 1_000n;
  return `${new Date(Number(milliseconds)).toISOString().slice(0, -1)}${String(rest).padStart(3, "0")}Z`;
}

/**
 * Reads a moment in microseconds since 1970, from any RFC 3339 text; digits past the sixth are dropped.
 *
 * @throws {RangeError} For a text that is no RFC 3339 timestamp, or a moment that does not exist (February 30, second 60).
 */
export function parseTimestamp(text: string): bigint {
  const microseconds = microsecondsOf(text);
  if (microseconds === undefined) throw new RangeError(`Not an RFC 3339 timestamp: ${JSON.stringify(text)}`);
  return microseconds;
}

function microsecondsOf(text: string): bigint | undefined {
  const usual = usualMoment(text);
  if (usual !== undefined) return BigInt(usual);
  const match = PATTERN.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day); // Date.UTC() takes the years 0 to 99 for 1900 to 1999
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const offsetHours = Number(match[9] ?? 0);
  const offsetMinutes = Number(match[10] ?? 0);
  if (offsetHours > 23 || offsetMinutes > 59) return undefined;
  const offset = (offsetHours * 60 + offsetMinutes) * (match[8] === "-" ? -1 : 1);
  const milliseconds = date.getTime() + ((hour * 60 + minute - offset) * 60 + second) * 1_000;
  return BigInt(milliseconds) * 1_000n + BigInt((match[7] ?? "").padEnd(6, "0").slice(0, 6));
}
