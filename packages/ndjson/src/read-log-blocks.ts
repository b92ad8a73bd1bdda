import { nodeFileSystem } from "@holdfast/fsutil";
import { asLogError, LogError } from "./errors.ts";
import type { LogStart } from "./log-options.ts";
import { type PlacedBlock, placedBlocks } from "./placed-blocks.ts";
import { DEFAULT_MAX_LINE_BYTES } from "./read-blocks.ts";
import { checkPositions, type ReadLogOptions } from "./read-options.ts";

const NEWLINE = 0x0a;

/** Whole lines of one file of a log, in a row. Valid until the next block is asked for. */
export interface LogBlock {
  /** Where the first of them is. */
  readonly place: LogStart;
  /** The lines, each with its newline. */
  readonly bytes: Buffer;
  /** How many they are. */
  readonly lines: number;
}

/** Options of {@link readLogBlocks}. */
export type ReadLogBlocksOptions = Pick<
  ReadLogOptions,
  "from" | "at" | "maxLineBytes" | "onTornTail" | "signal" | "fileSystem"
>;

/**
 * Reads the lines of a log as bytes, in large pieces: for who takes them apart on their own. Nothing is judged: a line can hold
 * anything. A file that was put aside and ends in the middle of a line does not end the reading; `onTornTail` is told.
 *
 * @param path - The current file of the log.
 * @param options - As for `readLog()`.
 * @throws {LogError} `LOG_LINE_TOO_LONG`, `LOG_IO`.
 */
export async function* readLogBlocks(
  path: string,
  options: ReadLogBlocksOptions = {},
): AsyncGenerator<LogBlock, void> {
  checkPositions(options);
  const { from = 1, at, maxLineBytes = DEFAULT_MAX_LINE_BYTES, onTornTail, signal } = options;
  const { fileSystem = nodeFileSystem } = options;
  const placed = { from, at, maxLineBytes, onTornTail, signal, fileSystem, tolerant: true };
  try {
    for await (const block of placedBlocks(path, placed)) {
      block.lines = countLines(block, maxLineBytes);
      yield { place: block.place, bytes: block.bytes, lines: block.lines };
    }
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw asLogError("read", path, error);
  }
}

/** How many lines a block has; each is held to the limit. */
function countLines({ bytes, place }: PlacedBlock, maxLineBytes: number): number {
  let count = 0;
  let start = 0;
  for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
    if (end - start > maxLineBytes) {
      const { path, offset } = place;
      throw new LogError(
        "LOG_LINE_TOO_LONG",
        `Cannot read "${path}": the line at offset ${offset + start} has ${end - start} bytes, the limit is ${maxLineBytes}; raise maxLineBytes`,
        { path },
      );
    }
    count++;
    start = end + 1;
  }
  return count;
}
