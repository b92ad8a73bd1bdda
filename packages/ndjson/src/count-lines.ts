import type { OpenFile } from "@holdfast/fsutil";

const CHUNK = 1024 * 1024;
const NEWLINE = 0x0a;

/** What {@link countLines} found. */
export interface LineCount {
  readonly lines: number;
  /** Offsets of the lines 1, 1 + every, 1 + 2 * every, ... */
  readonly offsets: readonly number[];
  /** The first line with a NUL byte, which no JSON text has. */
  readonly zeroAt: { readonly line: number; readonly offset: number } | undefined;
}

/** Counts the lines of a file by its newlines, at the speed of finding them, and remembers where every n-th line starts. */
export async function countLines(
  file: OpenFile,
  to: number,
  options: { readonly every: number; readonly findZero: boolean; readonly signal?: AbortSignal | undefined },
): Promise<LineCount> {
  const { every, findZero, signal } = options;
  const buffer = Buffer.allocUnsafeSlow(Math.max(1, Math.min(CHUNK, to)));
  const offsets: number[] = to > 0 ? [0] : [];
  let lines = 0;
  let lineStart = 0;
  let position = 0;
  while (position < to) {
    signal?.throwIfAborted();
    const count = await file.read(buffer.subarray(0, Math.min(CHUNK, to - position)), position);
    if (count === 0) break;
    const zero = findZero ? buffer.subarray(0, count).indexOf(0) : -1;
    const limit = zero === -1 ? count : zero;
    for (let at = buffer.indexOf(NEWLINE, 0); at !== -1 && at < limit; at = buffer.indexOf(NEWLINE, at + 1)) {
      lines++;
      lineStart = position + at + 1;
      if (lines % every === 0 && lineStart < to) offsets.push(lineStart);
    }
    if (zero !== -1) return { lines, offsets, zeroAt: { line: lines + 1, offset: lineStart } };
    position += count;
  }
  return { lines, offsets, zeroAt: undefined };
}
