import { dirname, join, resolve } from "node:path";
import type { FileSystem, OpenFile } from "@holdfast/fsutil";
import { interruptedBatch, readBatchIntent } from "./batch-intent.ts";
import { LogDamagedError, LogError, systemCode } from "./errors.ts";
import { readAtSync } from "./inspect-tail.ts";
import { rotatedFiles } from "./log-files.ts";
import type { LogStart } from "./log-options.ts";
import { readBlocks } from "./read-blocks.ts";

/** Bytes after the last whole record of a log, as a reader found them: not acknowledged, or not yet. */
export interface TornTail {
  readonly path: string;
  readonly line: number;
  readonly offset: number;
  readonly length: number;
}

/** Whole lines of one file. Valid until the next one is asked for; before that, the taker says how many lines it holds. */
export interface PlacedBlock {
  readonly file: OpenFile;
  readonly place: LogStart;
  readonly bytes: Buffer;
  /** Whether this is the file that is appended to. */
  readonly isCurrent: boolean;
  /** Set by whoever takes the block. */
  lines: number;
}

export interface PlacedBlocksOptions {
  readonly from: number;
  readonly at: LogStart | undefined;
  readonly maxLineBytes: number;
  readonly signal: AbortSignal | undefined;
  readonly fileSystem: FileSystem;
  readonly onTornTail: ((tail: TornTail) => void) | undefined;
  /** Whether a file that was put aside may end in the middle of a line: `onTornTail` is told, and the next file is read. */
  readonly tolerant?: boolean;
  /** Told where the log ended, when it was read to its end. */
  readonly onEnd?: ((place: LogStart) => void) | undefined;
}

interface Source {
  readonly path: string;
  readonly file: OpenFile;
  readonly isCurrent: boolean;
}

function openToRead(path: string, fileSystem: FileSystem): OpenFile {
  const file = fileSystem.openSync(path, "read");
  try {
    const { kind } = file.statSync();
    if (kind === "file") return file;
    throw new LogError("LOG_IO", `Cannot read "${path}": it is no regular file`, { path });
  } catch (error) {
    file.closeSync();
    throw error;
  }
}

function openIfThere(path: string, fileSystem: FileSystem): OpenFile | undefined {
  try {
    return openToRead(path, fileSystem);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/**
 * The files of a log, oldest first. The current one is opened before the others are listed: when it is rotated in between,
 * it is found among them, and nothing is missed or seen twice.
 */
function* sources(path: string, fileSystem: FileSystem, startInode: bigint | undefined): Generator<Source> {
  let reached = startInode === undefined;
  let current = openIfThere(path, fileSystem);
  try {
    const inode = current?.statSync().ino;
    for (const { name } of rotatedFiles(path, fileSystem)) {
      const rotated = join(dirname(path), name);
      reached ||= fileSystem.lstatSync(rotated)?.ino === startInode;
      if (!reached) continue;
      const file = openToRead(rotated, fileSystem);
      try {
        if (file.statSync().ino === inode) {
          current?.closeSync();
          current = undefined;
        }
        yield { path: file.path, file, isCurrent: false };
      } finally {
        file.closeSync();
      }
    }
    if (current !== undefined) yield { path, file: current, isCurrent: true };
  } finally {
    current?.closeSync();
  }
}

/** Where whole records end: a batch that is being written, or was interrupted, is not there yet. */
function readableSize(path: string, file: OpenFile, isCurrent: boolean, fileSystem: FileSystem): number {
  const { size } = file.statSync();
  if (!isCurrent) return size;
  return interruptedBatch(file, size, readBatchIntent(path, fileSystem), { verify: false }) ?? size;
}

/** Offset after the `count`-th newline of a block, and how many there were. */
function skipLines(bytes: Buffer, count: number): { readonly skipped: number; readonly offset: number } {
  let offset = 0;
  for (let skipped = 0; skipped < count; skipped++) {
    const found = bytes.indexOf(0x0a, offset);
    if (found === -1) return { skipped, offset: bytes.length };
    offset = found + 1;
  }
  return { skipped: count, offset };
}

/** The lines of a log in blocks, from a position on, through all of its files. */
export async function* placedBlocks(
  path: string,
  options: PlacedBlocksOptions,
): AsyncGenerator<PlacedBlock, void> {
  const { from, at, maxLineBytes, signal, fileSystem, onTornTail, onEnd } = options;
  const target = resolve(path);
  let position = 1;
  let end: LogStart | undefined;
  let start = at !== undefined && at.position <= from ? at : undefined;
  for (const { path: filePath, file, isCurrent } of sources(target, fileSystem, start?.inode)) {
    let line = 1;
    let offset = 0;
    const inode = file.statSync().ino;
    if (start !== undefined) {
      if (inode !== start.inode) throw goneAway(path, start);
      ({ position, line, offset } = start);
      assertLineStart(file, offset);
      start = undefined;
    }
    const place = (): LogStart => ({ path: filePath, inode, position, line, offset });
    for (let size = readableSize(filePath, file, isCurrent, fileSystem); offset < size; ) {
      let torn: TornTail | undefined;
      for await (const block of readBlocks(file, { from: offset, to: size, maxLineBytes, signal })) {
        if (!block.terminated) {
          torn = { path: filePath, line, offset: block.offset, length: block.bytes.length };
          break;
        }
        const { skipped, offset: begin } = skipLines(block.bytes, Math.max(0, from - position));
        line += skipped;
        position += skipped;
        offset = block.offset + begin;
        const bytes = block.bytes.subarray(begin);
        if (bytes.length === 0) continue;
        const placed: PlacedBlock = {
          file,
          place: place(),
          bytes,
          isCurrent,
          lines: 0,
        };
        yield placed;
        line += placed.lines;
        position += placed.lines;
        offset += bytes.length;
      }
      if (torn !== undefined && !isCurrent && options.tolerant !== true) {
        const { line: tornLine, offset: tornOffset } = torn;
        throw new LogDamagedError(
          `Cannot read "${filePath}": line ${tornLine} at offset ${tornOffset} is damaged (it has no end, and the file was put aside whole); nothing after it was read`,
          { path: filePath, line: tornLine, offset: tornOffset },
        );
      }
      const grown = readableSize(filePath, file, isCurrent, fileSystem);
      if (grown <= size) {
        if (torn !== undefined) onTornTail?.(torn);
        break;
      }
      size = grown;
    }
    end = place();
  }
  if (start !== undefined) throw goneAway(path, start);
  if (end !== undefined) onEnd?.(end);
}

/** A log only grows: a known line start stays one, unless the file was cut back behind it. */
function assertLineStart(file: OpenFile, offset: number): void {
  if (offset === 0 || readAtSync(file, offset - 1, 1)[0] === 0x0a) return;
  throw new LogError(
    "LOG_IO",
    `Cannot read "${file.path}": it was cut back before offset ${offset} (what followed was never acknowledged); read it again from its start`,
    { path: file.path },
  );
}

function goneAway(path: string, start: LogStart): LogError {
  return new LogError(
    "LOG_IO",
    `Cannot read "${path}": the file that position ${start.position} was in is gone; read the log from its start`,
    { path },
  );
}
