import { resolve } from "node:path";
import { nodeFileSystem } from "@holdfast/fsutil";
import type { LogFormat } from "./inspect-tail.ts";
import { iterateLines, type LogRecord, type LogText, takeRecord, takeText } from "./iterate-lines.ts";
import type { TakeLine } from "./line-iterator.ts";
import type { LogStart } from "./log-options.ts";
import { checkPositions, type ReadLogOptions } from "./read-options.ts";
import { LogWatch } from "./watch-log.ts";

/** Options of {@link tailLog} and {@link tailLines}. */
export interface TailLogOptions extends ReadLogOptions {
  /** Longest time between two looks, in milliseconds; default 1000, or 100 where the system gives no notice of changes. */
  readonly pollMs?: number;
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

async function* tail<T extends { readonly position: number }>(
  path: string,
  options: TailLogOptions,
  format: LogFormat,
  take: TakeLine<T>,
): AsyncGenerator<T, void> {
  checkPositions(options);
  const { fileSystem = nodeFileSystem, signal, to = Number.POSITIVE_INFINITY } = options;
  const watches = fileSystem === nodeFileSystem;
  const { pollMs = watches ? 1000 : 100 } = options;
  let { from = 1, at } = options;
  using watcher = new LogWatch(resolve(path), { pollMs, watches });
  const follow = (end: LogStart): void => {
    at = end;
  };
  while (from <= to && !isAborted(signal)) {
    watcher.listen();
    const now = { ...options, from, ...(at === undefined ? {} : { at }) };
    try {
      for await (const item of iterateLines(path, now, format, take, follow)) {
        yield item;
        from = item.position + 1;
      }
    } catch (error) {
      if (isAborted(signal)) return;
      throw error;
    }
    if (from <= to) await watcher.wait(signal);
  }
}

/**
 * Reads a log and goes on with what is appended later, across rotations, until the signal aborts (then it simply ends) or
 * the reader stops. A log that does not exist yet is waited for.
 *
 * A line is given when it is written to its end, which can be a moment before its writer acknowledges it; a line that is cut
 * off again because its sync failed ends the tail with `LOG_IO`, when it was given already.
 *
 * @param path - The current file of the log.
 * @param options - As for {@link readLog}, and `pollMs`.
 * @throws {LogError} As {@link readLog}.
 */
export function tailLog(path: string, options: TailLogOptions = {}): AsyncGenerator<LogRecord, void> {
  return tail(path, options, "json", takeRecord(options.exact ?? true));
}

/** As {@link tailLog}, but gives lines as exact text. */
export function tailLines(path: string, options: TailLogOptions = {}): AsyncGenerator<LogText, void> {
  return tail(path, options, "text", takeText);
}
