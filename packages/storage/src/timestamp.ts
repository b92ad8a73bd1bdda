import * as z from "zod";

const PATTERN = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/;

/** A moment as RFC 3339: written in UTC with six fraction digits, read with any offset and any number of digits. */
export const timestampSchema = z
  .string()
  .regex(PATTERN, "must be an RFC 3339 timestamp such as 2026-01-02T03:04:05.123456Z")
  .refine((text) => !Number.isNaN(Date.parse(text)), "must be a moment that exists")
  .describe("RFC 3339 timestamp");

/** Where the time comes from: microseconds since 1970. Tests pass their own. */
export type Clock = () => bigint;

const startedAtNs = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint();

/** The system's clock in microseconds: `Date.now()`, refined by the monotonic clock within the millisecond. */
export const systemClock: Clock = () => {
  const milliseconds = BigInt(Date.now());
  const micro = ((startedAtNs + process.hrtime.bigint()) / 1_000n) % 1_000n;
  return milliseconds * 1_000n + micro;
};

/** Writes a moment the way Holdfast stores it: `2026-01-02T03:04:05.123456Z`. */
export function formatTimestamp(microseconds: bigint): string {
  const milliseconds = microseconds / 1_000n;
  const rest = String(microseconds % 1_000n).padStart(3, "0");
  return `${new Date(Number(milliseconds)).toISOString().slice(0, -1)}${rest}Z`;
}

/** Reads a moment in microseconds since 1970, from any RFC 3339 text; digits past the sixth are dropped. */
export function parseTimestamp(text: string): bigint {
  const fraction = /\.(\d+)/.exec(text)?.[1] ?? "";
  const seconds = Date.parse(text.replace(/\.\d+/, "").replace(" ", "T"));
  if (Number.isNaN(seconds)) throw new RangeError(`Not an RFC 3339 timestamp: "${text}"`);
  return BigInt(seconds) * 1_000n + BigInt(fraction.padEnd(6, "0").slice(0, 6));
}
