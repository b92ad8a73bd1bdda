import { createHash } from "node:crypto";
import { closeSync, read } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { type FileChecksum, fileChecksumOf } from "./file-checksum.ts";
import { hashOpenedFile } from "./hash-file-sync.ts";
import {
  assertUnchanged,
  changed,
  lookAgain,
  type OpenedFile,
  openRegularFile,
  readError,
  settleMs,
} from "./opened-file.ts";

/** How the main thread reads a file. */
export interface HashFileOptions {
  readonly followSymlinks: boolean;
  readonly signal: AbortSignal | undefined;
  /** Called after each piece with its length, and the size of the file. */
  readonly onBytes: ((count: number, size: number) => void) | undefined;
  /** For small files, to be used again for the next; without it each file takes a new one. */
  readonly buffer?: Uint8Array;
}

/** Smaller files are read by synchronous calls: going through the thread pool costs more than reading them. */
export const SMALL_BYTES = 128 * 1024;
/** As much as stays in the caches between the thread that reads and the one that hashes. */
const PIECE_BYTES = 384 * 1024;

/** Reads and hashes a file in constant memory; large ones without holding the thread for longer than a piece takes. */
export async function hashFile(path: string, options: HashFileOptions): Promise<FileChecksum> {
  options.signal?.throwIfAborted();
  let file = openRegularFile(path, options.followSymlinks);
  try {
    if (settleMs(file, Date.now()) > 0) file = await settle(file, options.signal);
    const size = Number(file.before.size);
    const digest =
      size < SMALL_BYTES
        ? hashOpenedFile(file, options.buffer ?? new Uint8Array(size + 1), (count) =>
            options.onBytes?.(count, size),
          )
        : await hashPieces(file, size, options);
    return fileChecksumOf(file, digest);
  } finally {
    closeSync(file.fd);
  }
}

/** Reads a piece while the one before it is hashed. */
async function hashPieces(
  file: OpenedFile,
  size: number,
  { signal, onBytes }: HashFileOptions,
): Promise<string> {
  const sha = createHash("sha256");
  let filling = new Uint8Array(PIECE_BYTES);
  let full = new Uint8Array(PIECE_BYTES);
  let position = 0;
  let reading = readPiece(file, filling, 0);
  try {
    while (position < size) {
      const count = await reading;
      signal?.throwIfAborted();
      if (count === 0) throw changed(file.path, `it ended after ${position} of ${size} bytes`);
      position += count;
      [full, filling] = [filling, full];
      if (position < size) reading = readPiece(file, filling, position);
      sha.update(full.subarray(0, count));
      onBytes?.(count, size);
    }
  } finally {
    // The descriptor must not be closed, and the buffer not be reused, under a read that is still going on.
    await reading.catch(() => 0);
  }
  assertUnchanged(file, position);
  return sha.digest("hex");
}

function readPiece(file: OpenedFile, buffer: Uint8Array, position: number): Promise<number> {
  const promise = new Promise<number>((resolve, reject) => {
    read(file.fd, buffer, 0, buffer.length, position, (error, count) => {
      if (error === null) resolve(count);
      else reject(readError(file.path, error));
    });
  });
  // It is awaited later: a failure in between must not count as unhandled.
  promise.catch(() => undefined);
  return promise;
}

async function settle(opened: OpenedFile, signal: AbortSignal | undefined): Promise<OpenedFile> {
  let file = opened;
  for (let tries = 0; tries < 10; tries += 1) {
    const ms = settleMs(file, Date.now());
    if (ms === 0) return file;
    await sleep(ms);
    signal?.throwIfAborted();
    file = lookAgain(file);
  }
  throw changed(file.path, "it is written to all the time");
}
