const MIN_TICK_MS = 5;
const MAX_TICK_MS = 1_000;
const LATE_MS = 500;

/** What is watched. Times are of the monotonic clock, `performance.now()`. */
export interface WatchOptions {
  /** Milliseconds until `onTimeout`. */
  readonly timeoutMs: number;
  /** Milliseconds after the last sign of life until `onSilence`. */
  readonly silenceMs: number;
  readonly lastSeenAt: () => number;
  readonly onTimeout: () => void;
  readonly onSilence: () => void;
}

/**
 * Watches for a timeout and for silence, once each.
 *
 * Time in which this process itself did not run (it was suspended, or its machine was) does not count against the agent, whose
 * messages may lie unread in the pipe.
 *
 * @returns Stops watching.
 */
export function watchOver(options: WatchOptions): () => void {
  const tickMs = Math.max(MIN_TICK_MS, Math.min(MAX_TICK_MS, options.silenceMs / 12, options.timeoutMs / 4));
  let lastTickAt = performance.now();
  let deadline = lastTickAt + options.timeoutMs;
  let forgiven = 0;
  let forgivenFor = options.lastSeenAt();
  const timer = setInterval(() => {
    const now = performance.now();
    const late = now - lastTickAt - tickMs;
    lastTickAt = now;
    const lastSeenAt = options.lastSeenAt();
    if (lastSeenAt !== forgivenFor) {
      forgiven = 0;
      forgivenFor = lastSeenAt;
    }
    if (late > LATE_MS) {
      deadline += late;
      forgiven += late;
    }
    if (now >= deadline) {
      clearInterval(timer);
      options.onTimeout();
    } else if (now - lastSeenAt - forgiven > options.silenceMs) {
      clearInterval(timer);
      options.onSilence();
    }
  }, tickMs);
  return () => clearInterval(timer);
}
