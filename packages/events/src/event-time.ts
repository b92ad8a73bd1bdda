import { type Clock, formatTimestamp } from "@holdfast/storage";

/** The moment of an event: as it is written, and in milliseconds since 1970. */
interface Moment {
  readonly text: string;
  readonly ms: number;
}

/** Gives the time of the next event. It never goes back: in the order of a stream nothing comes before what led to it. */
export type EventTime = () => Moment;

/** Makes an {@link EventTime} of a clock of microseconds. */
export function eventTime(clock: Clock | undefined): EventTime {
  const read = clock === undefined ? processClock() : () => Number(clock());
  let last = Number.NEGATIVE_INFINITY;
  let ms = Number.NaN;
  let prefix = "";
  return () => {
    const now = read();
    if (now > last) last = now;
    const whole = Math.floor(last / 1_000);
    if (whole !== ms) {
      prefix = formatTimestamp(BigInt(whole) * 1_000n).slice(0, -4); // without the microseconds
      ms = whole;
    }
    const rest = last - whole * 1_000;
    return { text: `${prefix}${rest > 99 ? "" : rest > 9 ? "0" : "00"}${rest}Z`, ms };
  };
}

/** As `systemClock` of the storage, in doubles: a reading in bigints costs more than the rest of an event. */
function processClock(): () => number {
  let anchorMs = Number.NaN;
  let anchor = 0;
  return () => {
    const wall = Date.now();
    const monotonic = performance.now();
    const reading = anchorMs + (monotonic - anchor);
    if (reading >= wall && reading <= wall + 2) return Math.floor(reading * 1_000);
    anchorMs = wall;
    anchor = monotonic;
    return wall * 1_000;
  };
}
