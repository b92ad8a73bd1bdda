import { iterateLines, type LogRecord, type LogText, takeRecord, takeText } from "./iterate-lines.ts";
import { damageOf, tornTailAt } from "./line-damage.ts";
import type { LineIterator, TakeLine } from "./line-iterator.ts";
import { DEFAULT_MAX_LINE_BYTES } from "./read-blocks.ts";
import type { ReadLogOptions } from "./read-options.ts";

/** Takes lines of a log of JSON as their exact text, without parsing them; zeros that were never written, at its end, are no line. */
function takeJsonText(maxLineBytes: number): TakeLine<LogText> {
  return (block, ascii, line) => {
    const taken = takeText(block, ascii, line);
    if (taken?.text.includes("\0") !== true) return taken;
    const cause = new SyntaxError("the line holds a NUL");
    const damage = damageOf(block, line.start, line.index, cause);
    if (tornTailAt(block, damage, { format: "json", maxLineBytes }) !== undefined) throw cause;
    return taken;
  };
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
  return iterateLines(path, options, "json", takeRecord(options.exact ?? true));
}

/**
 * Reads the lines of a log as exact text, without parsing them. Otherwise as {@link readLog}; a damaged line is one that is
 * not UTF-8.
 */
export function readLines(path: string, options: ReadLogOptions = {}): LineIterator<LogText> {
  const { format = "text", maxLineBytes = DEFAULT_MAX_LINE_BYTES } = options;
  const take = format === "json" ? takeJsonText(maxLineBytes) : takeText;
  return iterateLines(path, options, format, take, undefined, false);
}
