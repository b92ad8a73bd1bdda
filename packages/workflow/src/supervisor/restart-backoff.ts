/** How long to wait before a restart. */
export interface RestartBackoff {
  /** Bound of the first wait. Default 1,000 ms. */
  readonly initialMs?: number;
  /** What each bound is multiplied with for the next. Default 2. */
  readonly multiplier?: number;
  /** Highest bound. Default 60,000 ms. */
  readonly maxMs?: number;
}

/**
 * Milliseconds to wait before restart number `restart` (from 1): exponential with full jitter, so that agents which died together do not return together.
 *
 * @param random - A number in [0, 1).
 * @see {@link https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ | Exponential backoff and jitter}
 */
export function restartDelayMs(restart: number, random: number, backoff: RestartBackoff = {}): number {
  const { initialMs = 1_000, multiplier = 2, maxMs = 60_000 } = backoff;
  return random * Math.min(maxMs, initialMs * multiplier ** (restart - 1));
}
