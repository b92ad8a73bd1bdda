import { iterateLines, type LogRecord, type LogText, takeRecord, takeText } from "./iterate-lines.ts";
import type { LineIterator, TakeLine } from "./line-iterator.ts";
import type { ReadLogOptions } from "./read-options.ts";

/** Takes a line of a log of JSON as its exact text, without parsing it: zeros that were never written are no line. */
export const takeJsonText: TakeLine<LogText> = (block, ascii, line) => {
  const taken = takeText(block, ascii, line);
  if (taken?.text.includes("\0") === true) throw new SyntaxError("the line holds a NUL");
  return taken;
};

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
  return iterateLines(path, options, "json", takeRecord(options.exact ?? true));
}

/**
 * Reads the lines of a log as exact text, without parsing them. Otherwise as {@link readLog}; a damaged line is one that is
 * not UTF-8, or of another `format` than it should be.
 */
export function readLines(path: string, options: ReadLogOptions = {}): LineIterator<LogText> {
  const { format = "text" } = options;
  return iterateLines(path, options, format, format === "json" ? takeJsonText : takeText, undefined, false);
}
