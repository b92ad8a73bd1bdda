import { createHash } from "node:crypto";
import type { OpenFile } from "@holdfast/fsutil";
import { StoreDamagedError } from "./errors.ts";
import { contentSizeOf, decompressStream, decompressWhole, WHOLE_BYTES } from "./object-encoding.ts";
import type { Bytes } from "./store.ts";

const CHUNK = 256 * 1024;
const HEADER_BYTES = 18;

/** A file that holds an object. */
export interface ObjectFile {
  readonly checksum: string;
  /** Its path below the root. */
  readonly relative: string;
  readonly isCompressed: boolean;
}

/** The names, below the root, under which an object can be: plain and compressed. */
export function objectFiles(checksum: string): readonly [ObjectFile, ObjectFile] {
  const hex = checksum.slice("sha256:".length);
  const relative = `objects/${hex.slice(0, 2)}/${hex.slice(2)}`;
  return [
    { checksum, relative, isCompressed: false },
    { checksum, relative: `${relative}.zst`, isCompressed: true },
  ];
}

/**
 * The content of an open object file, verified: the last piece comes only when all of it has the right checksum where the content is
 * short, and otherwise an error follows it.
 *
 * @throws {StoreDamagedError}
 */
export async function* readObject(
  file: OpenFile,
  { checksum, isCompressed }: ObjectFile,
  path: string,
): AsyncGenerator<Bytes> {
  const hash = createHash("sha256");
  const check = (): void => {
    const actual = `sha256:${hash.digest("hex")}`;
    if (actual !== checksum) throw damaged(checksum, path, `its content has the checksum ${actual}`);
  };
  const whole = readWhole(file, isCompressed, checksum, path);
  if (whole !== undefined) {
    hash.update(whole);
    check();
    yield whole;
    return;
  }
  try {
    const stored = readChunks(file);
    for await (const piece of isCompressed ? decompressStream(stored) : stored) {
      hash.update(piece);
      yield piece;
    }
  } catch (error) {
    throw isCompressed && !isSystemError(error)
      ? damaged(checksum, path, "it is no whole zstd frame", error)
      : error;
  }
  check();
}

/**
 * How long the content of an object file is; reads all of it only where its header does not say.
 *
 * @throws {StoreDamagedError} For what is no whole zstd frame, as far as it has to be read.
 */
export async function objectSize(
  file: OpenFile,
  { checksum, isCompressed }: ObjectFile,
  path: string,
): Promise<number> {
  const { size } = file.statSync();
  if (!isCompressed) return size;
  const known = contentSizeOf(readSync(file, 0, HEADER_BYTES));
  if (known !== undefined) return known;
  let counted = 0;
  try {
    for await (const piece of decompressStream(readChunks(file))) counted += piece.length;
  } catch (error) {
    throw isSystemError(error) ? error : damaged(checksum, path, "it is no whole zstd frame", error);
  }
  return counted;
}

function readWhole(file: OpenFile, isCompressed: boolean, checksum: string, path: string): Bytes | undefined {
  const { size } = file.statSync();
  if (size > WHOLE_BYTES) return undefined;
  const stored = readSync(file, 0, size);
  if (!isCompressed) return stored;
  const length = contentSizeOf(stored);
  if (length === undefined || length > WHOLE_BYTES) return undefined;
  try {
    return decompressWhole(stored, length);
  } catch (error) {
    throw damaged(checksum, path, "it is no whole zstd frame", error);
  }
}

function readSync(file: OpenFile, from: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let done = 0;
  while (done < length) {
    const count = file.readSync(bytes.subarray(done), from + done);
    if (count === 0) break;
    done += count;
  }
  return bytes.subarray(0, done);
}

async function* readChunks(file: OpenFile): AsyncGenerator<Bytes> {
  for (let at = 0; ; ) {
    const bytes = Buffer.allocUnsafe(CHUNK);
    const count = await file.read(bytes, at);
    if (count === 0) return;
    at += count;
    yield bytes.subarray(0, count);
  }
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && "syscall" in error;
}

function damaged(checksum: string, path: string, state: string, cause?: unknown): StoreDamagedError {
  return new StoreDamagedError(
    `Cannot read the object "${checksum}" from "${path}": ${state}; put the content again, or restore the file from a copy`,
    { path, cause },
  );
}
