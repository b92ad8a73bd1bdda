/**
 * What can go wrong with an exploration.
 *
 * - `CRASH_BAD_STATE`: a crash leaves a state in which recovery or the check fails. The message tells the story.
 * - `CRASH_WORKLOAD`: setup or workload failed, or the check failed without any crash: nothing was explored.
 * - `CRASH_SEED`: the seed to reproduce belongs to another workload.
 */
export type CrashErrorCode = "CRASH_BAD_STATE" | "CRASH_WORKLOAD" | "CRASH_SEED";

/** An exploration that failed, or found something. */
export class CrashError extends Error {
  override readonly name: string = "CrashError";
  readonly code: CrashErrorCode;

  constructor(code: CrashErrorCode, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
  }
}

/** A state that a crash may leave, and that must not be. */
export class BadStateError extends CrashError {
  override readonly name: string = "BadStateError";
  /** Give it to `exploreCrashes` as `seed` to look at this state alone. */
  readonly seed: string;
  /** What was done up to the crash, a line each, and what became of it. */
  readonly story: readonly string[];

  constructor(
    message: string,
    options: { readonly seed: string; readonly story: readonly string[]; readonly cause: unknown },
  ) {
    super("CRASH_BAD_STATE", message, options);
    this.seed = options.seed;
    this.story = options.story;
  }
}

/** What went wrong, in words. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : JSON.stringify(error);
}
