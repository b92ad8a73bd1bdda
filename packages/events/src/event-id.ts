import { randomBytes } from "node:crypto";

const DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LOW_BITS = 30;
const LOW_LIMIT = 2 ** LOW_BITS;
const MAX_MS = 2 ** 48 - 1;

/** Gives ids for a moment in milliseconds since 1970; each is larger than the one before. */
export type EventIds = (ms: number) => string;

/**
 * Makes ULIDs that increase, also within one millisecond and when the clock goes back: 10 characters of time, 10 that are
 * random in each millisecond, 6 that count up from a random start.
 *
 * Every id of a fresh millisecond has 79 random bits; what is random is taken from the source in blocks.
 *
 * @param random - Gives so many random bytes. Default: `node:crypto`.
 * @see {@link https://github.com/ulid/spec | ULID}
 */
export function eventIds(random: (bytes: number) => Uint8Array = randomBytes): EventIds {
  // Two digits at a time: three look-ups give the counter.
  const pairs = Array.from({ length: 1024 }, (_, value) => encode(value, 2));
  const pair = (value: number): string => pairs[value & 1023] ?? "";
  let time = -1;
  let prefix = "";
  let low = 0;
  let block: Uint8Array = new Uint8Array(0);
  let used = 0;
  const bits30 = (): number => {
    if (used + 4 > block.length) {
      block = random(1024);
      used = 0;
    }
    const value = new DataView(block.buffer, block.byteOffset + used, 4).getUint32(0);
    used += 4;
    return value & (LOW_LIMIT - 1);
  };
  const start = (ms: number): void => {
    time = ms;
    prefix = `${encode(ms, 10)}${encode(bits30() & 0x1ffffff, 5)}${encode(bits30() & 0x1ffffff, 5)}`;
    low = bits30() & (LOW_LIMIT / 2 - 1); // the upper half is room to count
  };
  return (ms) => {
    if (ms > time) {
      if (!(ms <= MAX_MS)) throw new RangeError(`Not a time an id can hold: ${ms} ms since 1970`);
      start(Math.max(0, Math.floor(ms)));
    } else if (low + 1 < LOW_LIMIT) low += 1;
    else start(time + 1);
    return prefix + pair(low >>> 20) + pair(low >>> 10) + pair(low);
  };
}

function encode(value: number, digits: number): string {
  let text = "";
  for (let rest = value, left = digits; left > 0; left -= 1) {
    text = (DIGITS[rest % 32] ?? "") + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}
