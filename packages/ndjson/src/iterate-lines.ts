import { isUtf8 } from "node:buffer";
import { nodeFileSystem } from "@holdfast/fsutil";
import { LogDamagedError } from "./errors.ts";
import { parseExact } from "./exact-json.ts";
import type { LogFormat } from "./inspect-tail.ts";
import { damageOf, tornTailAt } from "./line-damage.ts";
import { LineIterator, type TakeLine } from "./line-iterator.ts";
import type { LogPlace, LogStart } from "./log-options.ts";
import { type PlacedBlock, placedBlocks } from "./placed-blocks.ts";
import { DEFAULT_MAX_LINE_BYTES } from "./read-blocks.ts";
import { checkPositions, type ReadLogOptions } from "./read-options.ts";

/** A record of a log and where it is. */
export interface LogRecord extends LogPlace {
  readonly record: unknown;
  /** Length of the line in bytes, without its newline. */
  readonly length: number;
}

/** A line of a log, exactly as it was appended, and where it is. */
export interface LogText extends LogStart {
  readonly text: string;
  /** Length of the line in bytes, without its newline. */
  readonly length: number;
}

/** A line as text; throws when its bytes are not UTF-8, because decoding would change them without a word. */
function lineText(bytes: Buffer, ascii: boolean, start: number, end: number): string {
  if (ascii) return bytes.toString("latin1", start, end);
  if (!isUtf8(bytes.subarray(start, end))) throw new SyntaxError("the line is not UTF-8");
  return bytes.toString("utf8", start, end);
}

/** Takes a line as a record. */
export function takeRecord(exact: boolean): TakeLine<LogRecord> {
  return ({ bytes, place }, ascii, line) => {
    const { start, end, index } = line;
    let text = line.text ?? lineText(bytes, ascii, start, end);
    if (place.offset + start === 0 && text.charCodeAt(0) === 0xfeff) text = text.slice(1);
    const record: unknown = exact ? parseExact(text, place.path) : JSON.parse(text);
    return {
      record,
      position: place.position + index,
      path: place.path,
      line: place.line + index,
      offset: place.offset + start,
      length: end - start,
    };
  };
}

/** Takes a line as its exact text. */
export const takeText: TakeLine<LogText> = ({ bytes, place }, ascii, { start, end, index }) => ({
  text: lineText(bytes, ascii, start, end),
  position: place.position + index,
  path: place.path,
  inode: place.inode,
  line: place.line + index,
  offset: place.offset + start,
  length: end - start,
});

/** Lines of a log, taken one by one; what is damaged, and what is torn, is told apart. */
export function iterateLines<T>(
  path: string,
  options: ReadLogOptions,
  format: LogFormat,
  take: TakeLine<T>,
  onEnd?: (place: LogStart) => void,
  inPieces: boolean = format === "json",
): LineIterator<T> {
  checkPositions(options);
  const {
    fileSystem = nodeFileSystem,
    from = 1,
    to = Number.POSITIVE_INFINITY,
    maxLineBytes = DEFAULT_MAX_LINE_BYTES,
  } = options;
  const { signal, onDamage, onTornTail, at } = options;
  const blocks = placedBlocks(path, { from, at, maxLineBytes, signal, fileSystem, onTornTail, onEnd });
  const endsAt = (block: PlacedBlock, error: unknown): boolean => {
    if (!(error instanceof LogDamagedError)) return false;
    const torn = tornTailAt(block, error, { format, maxLineBytes });
    if (torn === undefined) return false;
    onTornTail?.(torn);
    return true;
  };
  const takeOrReport: TakeLine<T> = (block, ascii, line) => {
    try {
      return take(block, ascii, line);
    } catch (error) {
      const found = damageOf(block, line.start, line.index, error);
      if (onDamage === undefined || tornTailAt(block, found, { format, maxLineBytes }) !== undefined)
        throw found;
      onDamage(found);
      return undefined;
    }
  };
  return new LineIterator(blocks, from, {
    path,
    take: takeOrReport,
    inPieces,
    maxLineBytes,
    to,
    endsAt,
    signal,
  });
}
