/** The time that ages are counted up to, in milliseconds since 1970. */
export interface AgeClock {
  nowMs(): number;
}

/**
 * The earliest time that a clock has shown since this was made. One that is set back meanwhile was ahead, and what seemed old may not be; one that
 * is set forward makes nothing older. Only what is old by every reading is removed.
 *
 * @param read - Gives milliseconds since 1970.
 */
export function earliestTime(read: () => number): AgeClock {
  let earliest = Number.POSITIVE_INFINITY;
  return {
    nowMs: () => {
      earliest = Math.min(earliest, read());
      return earliest;
    },
  };
}
