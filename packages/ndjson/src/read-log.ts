import { isUtf8 } from "node:buffer";
import { type FileSystem, nodeFileSystem } from "@holdfast/fsutil";
import { LogDamagedError } from "./errors.ts";
import { inspectTail, type LogFormat } from "./inspect-tail.ts";
import { LineIterator, type TakeLine } from "./line-iterator.ts";
import type { LogPlace, LogStart } from "./log-options.ts";
import { type PlacedBlock, placedBlocks, type TornTail } from "./placed-blocks.ts";
import { DEFAULT_MAX_LINE_BYTES } from "./read-blocks.ts";

/** A record of a log and where it is. */
export interface LogRecord extends LogPlace {
  readonly record: unknown;
  /** Length of the line in bytes, without its newline. */
  readonly length: number;
}

/** A line of a log, exactly as it was appended, and where it is. */
export interface LogText extends LogPlace {
  readonly text: string;
  /** Length of the line in bytes, without its newline. */
  readonly length: number;
}

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
  /** Told about bytes after the last whole record. They are not given: nobody was told that they were written. */
  readonly onTornTail?: (tail: TornTail) => void;
  /** Told about each damaged line, which is then left out; without it, the first one ends the reading with `LOG_DAMAGED`. */
  readonly onDamage?: (damage: LogDamagedError) => void;
  readonly signal?: AbortSignal;
  /** What to work on. Default: the disk. */
  readonly fileSystem?: FileSystem;
}

function damage(block: PlacedBlock, start: number, index: number, cause: unknown): LogDamagedError {
  const { path } = block.place;
  const line = block.place.line + index;
  const offset = block.place.offset + start;
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new LogDamagedError(
    `Cannot read "${path}": line ${line} at offset ${offset} is damaged (${detail}); nothing after it was read`,
    { path, line, offset, cause },
  );
}

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

function iterate<T>(
  path: string,
  options: ReadLogOptions,
  format: LogFormat,
  take: TakeLine<T>,
): LineIterator<T> {
  checkPositions(options);
  const {
    fileSystem = nodeFileSystem,
    from = 1,
    to = Number.POSITIVE_INFINITY,
    maxLineBytes = DEFAULT_MAX_LINE_BYTES,
  } = options;
  const { signal, onDamage, onTornTail, at } = options;
  const blocks = placedBlocks(path, { from, at, maxLineBytes, signal, fileSystem, onTornTail });
  const tailAt = (block: PlacedBlock): number | undefined => {
    if (!block.isCurrent) return undefined;
    const tail = inspectTail(block.file, block.file.statSync().size, { format, maxLineBytes });
    return tail.kind === "torn" ? tail.end : undefined;
  };
  const endsAt = (block: PlacedBlock, error: unknown): boolean => {
    if (!(error instanceof LogDamagedError)) return false;
    const tail = tailAt(block);
    if (tail === undefined || error.offset < tail) return false;
    onTornTail?.({
      path: error.path,
      line: error.line,
      offset: error.offset,
      length: block.file.statSync().size - error.offset,
    });
    return true;
  };
  const takeOrReport: TakeLine<T> = (block, ascii, start, end, index) => {
    try {
      return take(block, ascii, start, end, index);
    } catch (error) {
      const found = damage(block, start, index, error);
      if (onDamage === undefined) throw found;
      const tail = tailAt(block);
      if (tail !== undefined && found.offset >= tail) throw found;
      onDamage(found);
      return undefined;
    }
  };
  return new LineIterator(blocks, from, { path, take: takeOrReport, maxLineBytes, to, endsAt, signal });
}

/** A line as text; throws when its bytes are not UTF-8, because decoding would change them without a word. */
export function lineText(bytes: Buffer, ascii: string | undefined, start: number, end: number): string {
  if (ascii !== undefined) return bytes.toString("latin1", start, end);
  if (!isUtf8(bytes.subarray(start, end))) throw new SyntaxError("the line is not UTF-8");
  return bytes.toString("utf8", start, end);
}

/**
 * Reads the records of a log in order, rotated files first, as a stream: memory does not grow with the log.
 *
 * It reads up to the end at the time it gets there. What follows the last whole record is not given (`onTornTail` is told).
 * A line that holds no record is never skipped without a word: it ends the reading, or goes to `onDamage`.
 * A log that does not exist is empty. A byte order mark before the first line and CRLF line ends are fine.
 *
 * @param path - The current file of the log.
 * @param options - See {@link ReadLogOptions}.
 * @returns An iterator that owns its file: `break`, `return()` or an error closes it.
 * @throws {LogError} `LOG_DAMAGED` (with line and offset), `LOG_LINE_TOO_LONG`, `LOG_IO`.
 */
export function readLog(path: string, options: ReadLogOptions = {}): LineIterator<LogRecord> {
  return iterate(path, options, "json", (block, ascii, start, end, index) => {
    let text = ascii === undefined ? lineText(block.bytes, ascii, start, end) : ascii.slice(start, end);
    const { place } = block;
    if (place.offset + start === 0 && text.charCodeAt(0) === 0xfeff) text = text.slice(1);
    const record: unknown = JSON.parse(text);
    return {
      record,
      position: place.position + index,
      path: place.path,
      line: place.line + index,
      offset: place.offset + start,
      length: end - start,
    };
  });
}

/**
 * Reads the lines of a log as exact text, without parsing them. Otherwise as {@link readLog}; a damaged line is one that is
 * not UTF-8.
 */
export function readLines(path: string, options: ReadLogOptions = {}): LineIterator<LogText> {
  return iterate(path, options, "text", ({ bytes, place }, ascii, start, end, index) => ({
    text: lineText(bytes, ascii, start, end),
    position: place.position + index,
    path: place.path,
    line: place.line + index,
    offset: place.offset + start,
    length: end - start,
  }));
}
