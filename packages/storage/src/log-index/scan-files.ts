import { isAscii } from "node:buffer";
import type { FileSystem } from "@holdfast/fsutil";
import { readLogBlocks } from "@holdfast/ndjson";
import type { IndexedLines } from "./indexed-lines.ts";
import { textOf } from "./line-texts.ts";
import type { ListedFile } from "./seen-files.ts";

const NEWLINE = 0x0a;
const MAX_LINE_BYTES = 64 * 1024 * 1024;

/** What is read. */
export interface ScanOptions {
  /** The current file of the log. */
  readonly path: string;
  readonly fileSystem: FileSystem;
  /** The files that are there. */
  readonly files: readonly ListedFile[];
  /** The last position to look at. */
  readonly to: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * Indexes the lines after the last known one.
 *
 * @returns Whether files were put aside meanwhile: then there may be more.
 */
export async function scanFiles(lines: IndexedLines, options: ScanOptions): Promise<boolean> {
  const { path, fileSystem, files, to, signal } = options;
  const start = lines.head + 1;
  lines.files.add(files);
  const known = lines.files.end(start);
  const ends = new Map<number, number>();
  lines.isComplete = false;
  let isLimited = false;
  let hasMoved = false;
  let file = known?.file ?? 0;
  const blocks = readLogBlocks(path, {
    from: start,
    maxLineBytes: MAX_LINE_BYTES,
    fileSystem,
    onTornTail: () => undefined,
    ...(known !== undefined && { at: known.at }),
    ...(signal !== undefined && { signal }),
  });
  try {
    for await (const { bytes, place } of blocks) {
      const found = lines.files.placeOf(place, file);
      ({ file } = found);
      hasMoved ||= found.isNew;
      const isPlain = isAscii(bytes);
      for (let from = 0; from < bytes.length; ) {
        if (lines.head >= to) {
          isLimited = true;
          break;
        }
        const end = bytes.indexOf(NEWLINE, from);
        const text = isPlain ? bytes.toString("latin1", from, end) : textOf(bytes.subarray(from, end));
        lines.add(text, file, place.offset + from, place.offset + end + 1);
        ends.set(file, place.offset + end + 1);
        from = end + 1;
      }
      if (isLimited) break;
      if (lines.isFull) {
        noteEnds(lines, ends);
        await lines.save();
      }
    }
  } finally {
    noteEnds(lines, ends);
  }
  if (lines.hasPending) await lines.save();
  lines.files.noteAll(files);
  lines.isComplete = !isLimited;
  return hasMoved;
}

function noteEnds(lines: IndexedLines, ends: Map<number, number>): void {
  for (const [file, end] of ends) lines.files.noteEnd(file, end);
  ends.clear();
}
