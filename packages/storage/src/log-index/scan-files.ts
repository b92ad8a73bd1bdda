import { isUtf8 } from "node:buffer";
import type { FileSystem } from "@holdfast/fsutil";
import { readLogBlocks } from "@holdfast/ndjson";
import type { IndexedLines } from "./indexed-lines.ts";
import { NOT_USUAL } from "./json-bytes.ts";
import { textOf } from "./line-texts.ts";
import { MarkScanner } from "./mark-scanner.ts";
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
  const marks = new MarkScanner();
  lines.isComplete = false;
  let isLimited = false;
  let hasMoved = false;
  let file = known?.file ?? 0;
  /** Where the lines of the file end that were indexed. */
  let end = 0;
  const noteEnd = (): void => {
    if (end > 0) lines.files.noteEnd(file, end);
    end = 0;
  };
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
      if (found.file !== file) noteEnd();
      ({ file } = found);
      hasMoved ||= found.isNew;
      const isText = isUtf8(bytes);
      for (let from = 0; from < bytes.length; ) {
        if (lines.head >= to) {
          isLimited = true;
          break;
        }
        const offset = place.offset + from;
        const tail = lines.tailFor(file, offset);
        const scanned = isText ? marks.scan(bytes, from) : NOT_USUAL;
        const newline = scanned === NOT_USUAL ? bytes.indexOf(NEWLINE, from) : scanned;
        const after = place.offset + newline + 1;
        if (scanned === NOT_USUAL) tail.add(textOf(bytes.subarray(from, newline)), file, offset, after);
        else tail.addScanned(bytes, marks, file, offset, after);
        end = after;
        from = newline + 1;
      }
      if (isLimited) break;
      if (lines.isFull) {
        noteEnd();
        await lines.save();
      }
    }
  } finally {
    noteEnd();
  }
  if (lines.hasPending) await lines.save();
  lines.files.noteAll(files);
  lines.isComplete = !isLimited;
  return hasMoved;
}
