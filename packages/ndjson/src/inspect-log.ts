import type { FileSystem } from "@holdfast/fsutil";
import type { LogDamagedError } from "./errors.ts";
import type { LogFormat } from "./inspect-tail.ts";
import type { TornTail } from "./placed-blocks.ts";
import { readLines, readLog } from "./read-log.ts";

/** Options of {@link inspectLog}. */
export interface InspectLogOptions {
  /** What a line is: default `json`. */
  readonly format?: LogFormat;
  /** Longest line in bytes; default 64 MiB. */
  readonly maxLineBytes?: number;
  /** How many damaged lines are listed at most; default 1000. All are counted. */
  readonly maxDamaged?: number;
  readonly signal?: AbortSignal;
  /** What to work on. Default: the disk. */
  readonly fileSystem?: FileSystem;
}

/** What {@link inspectLog} found. */
export interface LogReport {
  /** Whole records. */
  readonly records: number;
  /** Bytes of the whole records, with their newlines. */
  readonly bytes: number;
  /** Bytes after the last whole record; `openLog` or `recoverTail` moves them aside. */
  readonly torn: TornTail | undefined;
  /** Lines before the tail that hold no record, the first `maxDamaged` of them. */
  readonly damaged: readonly LogDamagedError[];
  /** How many lines are damaged. */
  readonly damagedCount: number;
}

/**
 * Looks at every line of a log and changes nothing: how many records it has, where it is damaged, and whether its tail is torn.
 *
 * @param path - The current file of the log; rotated files are looked at too.
 * @throws {LogError} `LOG_LINE_TOO_LONG`, `LOG_IO`. Damage is a finding, not an error.
 */
export async function inspectLog(path: string, options: InspectLogOptions = {}): Promise<LogReport> {
  const { format = "json", maxDamaged = 1000, ...rest } = options;
  let torn: TornTail | undefined;
  const damaged: LogDamagedError[] = [];
  let damagedCount = 0;
  const readOptions = {
    ...rest,
    onTornTail: (tail: TornTail) => {
      torn = tail;
    },
    onDamage: (damage: LogDamagedError) => {
      if (damaged.length < maxDamaged) damaged.push(damage);
      damagedCount++;
    },
  };
  let records = 0;
  let bytes = 0;
  for await (const { length } of format === "json"
    ? readLog(path, readOptions)
    : readLines(path, readOptions)) {
    records++;
    bytes += length + 1;
  }
  return { records, bytes, torn, damaged, damagedCount };
}
