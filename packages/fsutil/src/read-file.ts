import { resolve } from "node:path";
import { asFileError, FileError } from "./errors.ts";
import type { FileSystem, OpenFile } from "./file-system.ts";
import { nodeFileSystem } from "./node-file-system.ts";

const SYNC_BYTES = 1024 * 1024;
const CHUNK_BYTES = 16 * 1024 * 1024;

function checkLimit(maxBytes: number): void {
  if (!Number.isSafeInteger(maxBytes) || maxBytes < 0) {
    throw new RangeError(`maxBytes is ${maxBytes}: it must be a whole number of bytes, 0 or more`);
  }
}

function tooLarge(path: string, maxBytes: number): FileError {
  return new FileError(
    "FILE_TOO_LARGE",
    `Cannot read "${path}": it is larger than the limit of ${maxBytes} bytes`,
    { path },
  );
}

function openRegular(
  fileSystem: FileSystem,
  path: string,
  maxBytes: number,
): { file: OpenFile; size: number } {
  const file = fileSystem.openSync(path, "read");
  try {
    const { kind, size } = file.statSync();
    if (kind !== "file") {
      const what = kind === "directory" ? "a folder" : "not a regular file";
      throw new FileError("FILE_UNREADABLE", `Cannot read "${path}": it is ${what}`, { path });
    }
    if (size > maxBytes) throw tooLarge(path, maxBytes);
    return { file, size };
  } catch (error) {
    file.closeSync();
    throw error;
  }
}

function asReadError(path: string, error: unknown): FileError {
  const known = asFileError("read", path, error);
  if (known.code !== "FILE_PERMISSION" && known.code !== "FILE_IO") return known;
  return new FileError("FILE_UNREADABLE", known.message, { path, cause: error });
}

/** Reads to the end, also of a file that grows meanwhile, but no further than one byte over the limit. */
class Growing {
  #buffer: Buffer;
  #length = 0;
  readonly #path: string;
  readonly #maxBytes: number;

  constructor(path: string, size: number, maxBytes: number) {
    this.#path = path;
    this.#maxBytes = maxBytes;
    // One byte more than there should be: a read that leaves it empty has seen the end.
    this.#buffer = Buffer.allocUnsafe(Math.min(size, maxBytes) + 1);
  }

  get position(): number {
    return this.#length;
  }
  get room(): Uint8Array {
    return this.#buffer.subarray(this.#length, this.#length + CHUNK_BYTES);
  }
  /** Takes the count of a read; true at the end of the file. */
  add(count: number): boolean {
    this.#length += count;
    if (this.#length > this.#maxBytes) throw tooLarge(this.#path, this.#maxBytes);
    if (count === 0) return true;
    if (this.#length === this.#buffer.byteLength) {
      const larger = Buffer.allocUnsafe(Math.min(this.#length * 2, this.#maxBytes + 1));
      this.#buffer.copy(larger, 0, 0, this.#length);
      this.#buffer = larger;
    }
    return false;
  }
  result(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }
}

/**
 * Reads a whole file that may not be larger than a limit; never more than the limit is held in memory, also of a file
 * that grows while it is read. A FIFO or a device is refused at once.
 *
 * @param path - The file; symlinks are followed.
 * @param maxBytes - The limit in bytes, inclusive.
 * @throws {FileError} `FILE_MISSING`, `FILE_TOO_LARGE`, `FILE_UNREADABLE` (permission, a folder, a FIFO, a read error).
 */
export async function readFileLimited(
  path: string,
  maxBytes: number,
  options: { readonly signal?: AbortSignal; readonly fileSystem?: FileSystem } = {},
): Promise<Buffer> {
  checkLimit(maxBytes);
  const { fileSystem = nodeFileSystem, signal } = options;
  signal?.throwIfAborted();
  const from = resolve(path);
  let file: OpenFile;
  let size: number;
  try {
    ({ file, size } = openRegular(fileSystem, from, maxBytes));
  } catch (error) {
    throw asReadError(from, error);
  }
  try {
    const growing = new Growing(from, size, maxBytes);
    for (;;) {
      signal?.throwIfAborted();
      let count: number;
      try {
        count =
          size <= SYNC_BYTES
            ? file.readSync(growing.room, growing.position)
            : await file.read(growing.room, growing.position);
      } catch (error) {
        throw asReadError(from, error);
      }
      if (growing.add(count)) return growing.result();
    }
  } finally {
    file.closeSync();
  }
}

/** {@link readFileLimited} by synchronous calls. */
export function readFileLimitedSync(
  path: string,
  maxBytes: number,
  options: { readonly fileSystem?: FileSystem } = {},
): Buffer {
  checkLimit(maxBytes);
  const { fileSystem = nodeFileSystem } = options;
  const from = resolve(path);
  try {
    const { file, size } = openRegular(fileSystem, from, maxBytes);
    try {
      const growing = new Growing(from, size, maxBytes);
      while (!growing.add(file.readSync(growing.room, growing.position)));
      return growing.result();
    } finally {
      file.closeSync();
    }
  } catch (error) {
    throw asReadError(from, error);
  }
}
