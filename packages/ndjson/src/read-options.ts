import type { FileSystem } from "@holdfast/fsutil";
import type { LogDamagedError } from "./errors.ts";
import type { LogFormat } from "./inspect-tail.ts";
import type { LogStart } from "./log-options.ts";
import type { TornTail } from "./placed-blocks.ts";

/** Options of {@link readLog} and {@link readLines}. */
export interface ReadLogOptions {
  /** Position of the first record, from 1; default 1. Rotated files count. */
  readonly from?: number;
  /** Position of the last record; default: the end. */
  readonly to?: number;
  /** A known place at or before `from` to start looking at, as `Log.seek` gives it; one that is no longer right is ignored. */
  readonly at?: LogStart;
  /** Longest line in bytes; default 64 MiB. */
  readonly maxLineBytes?: number;
  /**
   * Whether a line is refused whose value would not be what its text says: a key given twice, an integer above 2^53, a number
   * beyond all doubles. Default true; false reads as `JSON.parse` does, and a third faster. {@link readLog} alone looks at it.
   */
  readonly exact?: boolean;
  /**
   * Of {@link readLines}: what the lines were written as, default `text`. For `json` a tail that was never written (zeros) ends the log;
   * nothing else is looked at.
   */
  readonly format?: LogFormat;
  /** Told about bytes after the last whole record. They are not given: nobody was told that they were written. */
  readonly onTornTail?: (tail: TornTail) => void;
  /** Told about each damaged line, which is then left out; without it, the first one ends the reading with `LOG_DAMAGED`. */
  readonly onDamage?: (damage: LogDamagedError) => void;
  readonly signal?: AbortSignal;
  /** What to work on. Default: the disk. */
  readonly fileSystem?: FileSystem;
}

/** Throws a RangeError for a position or a limit that cannot be. */
export function checkPositions(options: {
  readonly from?: number;
  readonly to?: number;
  readonly maxLineBytes?: number;
}): void {
  for (const name of ["from", "to", "maxLineBytes"] as const) {
    const value = options[name];
    const least = name === "to" ? 0 : 1;
    if (
      value !== undefined &&
      value !== Number.POSITIVE_INFINITY &&
      !(Number.isSafeInteger(value) && value >= least)
    ) {
      throw new RangeError(`${name} must be an integer of at least ${least}, not ${value}`);
    }
  }
}
