import { isUtf8 } from "node:buffer";
import type { OpenFile } from "@holdfast/fsutil";

/** `json`: every line is one JSON value. `text`: every line is text in UTF-8. */
export type LogFormat = "json" | "text";

/** What was wrong with the end of a log. */
export type TornReason = "unterminated" | "zeros" | "garbage" | "batch";

/** How a log ends: `end` is the offset after its last whole record. */
export type TailState =
  | { readonly kind: "whole"; readonly end: number }
  | { readonly kind: "torn"; readonly end: number; readonly reason: TornReason }
  | { readonly kind: "damaged"; readonly offset: number; readonly cause: unknown };

const BLOCK = 64 * 1024;
// A run of lines that hold nothing readable is looked through this far back; a file of nothing else is not a log.
const MAX_RUN = 16 * 1024 * 1024;
const MAX_RUN_LINES = 100_000;
// One flipped bit spoils three bytes of UTF-8 at most. A page of zeros or of other data spoils many more.
const NOT_TEXT = 8;
/** What a disk writes whole or not at all. */
const SECTOR = 512;

/** Reads at most `length` bytes at `offset`; fewer only at the end of the file. */
export function readAtSync(file: OpenFile, offset: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let done = 0;
  while (done < length) {
    const count = file.readSync(bytes.subarray(done), offset + done);
    if (count === 0) break;
    done += count;
  }
  return bytes.subarray(0, done);
}

/** Offset of the last newline before `before`; -1 when there is none. */
function lastNewline(file: OpenFile, before: number): number {
  // Mostly it is near: a small piece first, then larger ones.
  for (let end = before, piece = 512; end > 0; piece = Math.min(BLOCK, piece * 4)) {
    const start = Math.max(0, end - piece);
    const found = readAtSync(file, start, end - start).lastIndexOf(0x0a);
    if (found !== -1) return start + found;
    end = start;
  }
  return -1;
}

/** Why a line (without its newline) is not a record; `undefined` when it is one. */
function lineFault(line: Buffer, format: LogFormat, first: boolean): unknown {
  if (!isUtf8(line)) return new SyntaxError("the line is not UTF-8");
  if (format === "text") return undefined;
  const text = line.toString("utf8");
  try {
    JSON.parse(first && text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);
    return undefined;
  } catch (error) {
    return error;
  }
}

/** Whether bytes are evidently not what a writer of lines wrote: pages of zeros, pages of something else. A flipped bit is no evidence. */
export function isNotText(bytes: Buffer): boolean {
  return unreadable(bytes) >= NOT_TEXT;
}

/** How many bytes cannot stand in a line of text, as far as it matters. */
function unreadable(bytes: Buffer): number {
  let count = 0;
  for (const byte of bytes) if (byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d) count++;
  if (count >= NOT_TEXT || isUtf8(bytes)) return count;
  const replaced = bytes.toString("utf8").split("\ufffd").length - 1;
  const meant = bytes.toString("latin1").split("\u00ef\u00bf\u00bd").length - 1;
  return count + replaced - meant;
}

/**
 * Whether some sectors of a line were evidently not written: there are zeros in it, and all of them run from where the line or a sector
 * begins to where a sector or the line ends.
 */
function lacksSectors(line: Buffer, offset: number): boolean {
  let start = line.indexOf(0);
  const lacks = start !== -1;
  while (start !== -1) {
    let end = start;
    while (end < line.length && line[end] === 0) end++;
    const begins = start === 0 || (offset + start) % SECTOR === 0;
    const ends = end === line.length || (offset + end) % SECTOR === 0;
    if (!begins || !ends || end - start === line.length) return false;
    start = line.indexOf(0, end);
  }
  return lacks;
}

function onlyZeros(file: OpenFile, from: number, to: number): boolean {
  for (let at = from; at < to; at += BLOCK) {
    if (readAtSync(file, at, Math.min(BLOCK, to - at)).some((byte) => byte !== 0)) return false;
  }
  return true;
}

/**
 * Looks at the end of a log, backwards, as far as its last whole record.
 *
 * Bytes after the last newline are torn. Lines before it that end in a newline and hold no record are torn too where they
 * are evidently not text (pages of zeros, pages of something else, sectors of zeros in a line); a line that could have been a
 * record is damage.
 */
export function inspectTail(
  file: OpenFile,
  size: number,
  options: { readonly format: LogFormat; readonly maxLineBytes: number; readonly keepHoles?: boolean },
): TailState {
  const wholeEnd = lastNewline(file, size) + 1;
  let cut = wholeEnd;
  let spoiled = unreadable(readAtSync(file, wholeEnd, Math.min(size - wholeEnd, BLOCK)));
  let fault: unknown;
  let lines = 0;
  let lacking = false;
  let holes = options.keepHoles === true;
  while (cut > 0 && wholeEnd - cut < MAX_RUN && lines < MAX_RUN_LINES) {
    const start = lastNewline(file, cut - 1) + 1;
    if (cut - 1 - start > options.maxLineBytes) break; // written under another limit
    const line = readAtSync(file, start, cut - 1 - start);
    const lineIs = lineFault(line, options.format, start === 0);
    if (lineIs === undefined) break;
    fault = lineIs;
    const lacks = lacksSectors(line, start);
    spoiled += lacks ? NOT_TEXT : unreadable(line);
    lacking ||= lacks;
    holes &&= line.includes(0);
    lines++;
    cut = start;
  }
  const afterLines = (): TailState =>
    size === wholeEnd
      ? { kind: "whole", end: size }
      : {
          kind: "torn",
          end: wholeEnd,
          reason: onlyZeros(file, wholeEnd, size) ? "zeros" : "unterminated",
        };
  if (cut === wholeEnd) return afterLines();
  const isLog =
    (cut > 0 || lacking || options.keepHoles === true) && wholeEnd - cut < MAX_RUN && lines < MAX_RUN_LINES;
  if (isLog && spoiled >= NOT_TEXT) return { kind: "torn", end: cut, reason: "garbage" };
  // Too little of it is missing to be taken for garbage: it may hold a part of two records, and stays for readers to report.
  return holes ? afterLines() : { kind: "damaged", offset: cut, cause: fault };
}
