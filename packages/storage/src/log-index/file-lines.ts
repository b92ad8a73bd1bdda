import { resolve } from "node:path";
import type { FileSystem } from "@holdfast/fsutil";
import { readLogBlocks } from "@holdfast/ndjson";
import type { SearchedLine } from "../search.ts";
import { textOf } from "./line-texts.ts";
import type { SearchLimits } from "./question-queue.ts";

const NEWLINE = 0x0a;
const MAX_LINE_BYTES = 64 * 1024 * 1024;

/** The files of a log that are read line by line. */
export interface FileLinesOptions {
  /** The current file of the log. */
  readonly path: string;
  readonly fileSystem: FileSystem;
  /** Told of a file that was put aside and ends in the middle of a line. */
  readonly onTornFile?: () => void;
}

/** The lines of a log from its files, as an index sees them: one whose bytes are no text has a position and no text, and a torn end is none. */
export async function* fileLines(
  { path, fileSystem, onTornFile }: FileLinesOptions,
  { to = Number.POSITIVE_INFINITY, signal }: SearchLimits,
): AsyncGenerator<SearchedLine, void> {
  const onTornTail = (tail: { readonly path: string }): void => {
    if (tail.path !== resolve(path)) onTornFile?.();
  };
  const options = {
    maxLineBytes: MAX_LINE_BYTES,
    fileSystem,
    onTornTail,
    ...(signal !== undefined && { signal }),
  };
  for await (const { bytes, place } of readLogBlocks(path, options)) {
    let { position } = place;
    for (let from = 0; from < bytes.length; position += 1) {
      if (position > to) return;
      const end = bytes.indexOf(NEWLINE, from);
      yield { position, text: textOf(bytes.subarray(from, end)) };
      from = end + 1;
    }
  }
}
