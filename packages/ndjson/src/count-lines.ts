import type { OpenFile } from "@holdfast/fsutil";
import { type LinePlace, LinePlaces } from "./line-places.ts";

const CHUNK = 1024 * 1024;
const NEWLINE = 0x0a;

/** What {@link countLines} found. */
export interface LineCount {
  /** Whole lines from the start of the file. */
  readonly lines: number;
  /** The first line with a NUL byte, which no JSON text has. */
  readonly zeroAt: { readonly line: number; readonly offset: number } | undefined;
}

/** How {@link countLines} counts. */
export interface CountOptions {
  /** The start of a line to begin at; default the start of the file. */
  readonly from?: LinePlace;
  /** Takes note of the lines that start in between. */
  readonly places?: LinePlaces;
  readonly findZero: boolean;
  readonly signal: AbortSignal | undefined;
}

/** Counts the lines of a file by its newlines, at the speed of finding them. */
export async function countLines(file: OpenFile, to: number, options: CountOptions): Promise<LineCount> {
  const { from = { line: 1, offset: 0 }, places = new LinePlaces(), findZero, signal } = options;
  let { line, offset: start } = from;
  let position = start;
  const buffer = Buffer.allocUnsafeSlow(Math.max(1, Math.min(CHUNK, to - position)));
  if (position < to) places.add(line, start);
  while (position < to) {
    signal?.throwIfAborted();
    const count = await file.read(buffer.subarray(0, Math.min(CHUNK, to - position)), position);
    if (count === 0) break;
    const zero = findZero ? buffer.subarray(0, count).indexOf(0) : -1;
    const limit = zero === -1 ? count : zero;
    for (let at = buffer.indexOf(NEWLINE, 0); at !== -1 && at < limit; at = buffer.indexOf(NEWLINE, at + 1)) {
      line++;
      start = position + at + 1;
      if (start < to) places.add(line, start);
    }
    if (zero !== -1) return { lines: line - 1, zeroAt: { line, offset: start } };
    position += count;
  }
  return { lines: line - 1, zeroAt: undefined };
}
