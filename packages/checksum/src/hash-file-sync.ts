import { createHash, hash } from "node:crypto";
import { closeSync, readSync } from "node:fs";
import { type FileChecksum, fileChecksumOf } from "./file-checksum.ts";
import {
  assertUnchanged,
  changed,
  lookAgain,
  type OpenedFile,
  openRegularFile,
  readError,
  settleMs,
} from "./opened-file.ts";

/** How a thread that may block reads a file. */
export interface HashFileSyncOptions {
  readonly followSymlinks: boolean;
  /** Read into; files up to its length are read at once. */
  readonly buffer: Uint8Array;
  /** Called after each piece with its length; may throw to stop. */
  readonly onBytes: (count: number) => void;
}

/** Reads and hashes a file without ever giving up the thread: for worker threads. */
export function hashFileSync(path: string, options: HashFileSyncOptions): FileChecksum {
  let file = openRegularFile(path, options.followSymlinks);
  try {
    file = settleSync(file);
    return fileChecksumOf(file, hashOpenedFile(file, options.buffer, options.onBytes));
  } finally {
    closeSync(file.fd);
  }
}

/** The digest of an open file as hex; closes nothing. */
export function hashOpenedFile(
  file: OpenedFile,
  buffer: Uint8Array,
  onBytes: (count: number) => void,
): string {
  const size = Number(file.before.size);
  let digest: string;
  let position = 0;
  if (size < buffer.length) {
    // Asks for more than there should be: an end that comes later, or a pseudo file that calls itself empty, is found.
    let count: number;
    do {
      count = read(file, buffer, position);
      position += count;
    } while (count > 0 && position < size);
    digest = hash("sha256", buffer.subarray(0, position), "hex");
    onBytes(position);
  } else {
    const sha = createHash("sha256");
    while (position < size) {
      const count = read(file, buffer, 0, position);
      if (count === 0) throw changed(file.path, `it ended after ${position} of ${size} bytes`);
      sha.update(buffer.subarray(0, count));
      position += count;
      onBytes(count);
    }
    digest = sha.digest("hex");
  }
  assertUnchanged(file, position);
  return digest;
}

function read(file: OpenedFile, buffer: Uint8Array, offset: number, position = offset): number {
  try {
    return readSync(file.fd, buffer, offset, buffer.length - offset, position);
  } catch (error) {
    throw readError(file.path, error);
  }
}

function settleSync(opened: OpenedFile): OpenedFile {
  let file = opened;
  for (let tries = 0; tries < 10; tries += 1) {
    const ms = settleMs(file, Date.now());
    if (ms === 0) return file;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
    file = lookAgain(file);
  }
  throw changed(file.path, "it is written to all the time");
}
