import { constants, zstdCompressSync, zstdDecompress } from "node:zlib";
import { StoreDamagedError } from "./errors.ts";
import { compressStream, decompressStream } from "./object-encoding.ts";
import type { Bytes } from "./store.ts";

// With a checksum of the content: a flipped bit of a frame can change several places of its text, and still be a whole frame.
const FRAME = {
  params: { [constants.ZSTD_c_compressionLevel]: 3, [constants.ZSTD_c_checksumFlag]: 1 },
};
const MAGIC = 0xfd2fb528;

/** The zstd form of a text, in one piece. */
export function compressText(text: Bytes): Bytes {
  return zstdCompressSync(text, FRAME);
}

/** The zstd form of a text in pieces. */
export function compressPieces(pieces: Iterable<Bytes>): AsyncIterable<Bytes> {
  return compressStream(asyncOf(pieces), FRAME);
}

async function* asyncOf(pieces: Iterable<Bytes>): AsyncGenerator<Bytes> {
  yield* pieces;
}

/** Whether stored bytes are a zstd frame: no text of JSON begins like one, so the name of the file need not say it. */
function isCompressed(stored: Buffer): boolean {
  return stored.length >= 4 && stored.readUInt32LE(0) === MAGIC;
}

/**
 * The text of stored bytes, whichever form they have.
 *
 * @throws {StoreDamagedError} For a frame that is not whole.
 */
export async function textOf(stored: Buffer, path: string): Promise<Buffer> {
  if (!isCompressed(stored)) return stored;
  try {
    return await new Promise<Buffer>((resolve, reject) => {
      zstdDecompress(stored, (error, text) => (error === null ? resolve(text) : reject(error)));
    });
  } catch (error) {
    throw notWhole(path, error);
  }
}

/**
 * The text of stored bytes that come in pieces, whichever form they have.
 *
 * @throws {StoreDamagedError} For a frame that is not whole.
 */
export async function* textPieces(stored: AsyncGenerator<Buffer>, path: string): AsyncGenerator<Bytes> {
  try {
    const first = await stored.next();
    if (first.done === true) return;
    if (!isCompressed(first.value)) {
      yield first.value;
      yield* stored;
      return;
    }
    yield* decompressed(following(first.value, stored), path);
  } finally {
    await stored.return(undefined);
  }
}

async function* following(first: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  yield* rest;
}

async function* decompressed(frame: AsyncIterable<Buffer>, path: string): AsyncGenerator<Bytes> {
  try {
    yield* decompressStream(frame);
  } catch (error) {
    const isFrame = error instanceof Error && "code" in error && /^Z(?:STD)?_/.test(String(error.code));
    if (!isFrame) throw error;
    throw notWhole(path, error);
  }
}

function notWhole(path: string, cause: unknown): StoreDamagedError {
  const message = `Cannot read "${path}": it is no whole zstd frame; restore it from a copy, or run repair`;
  return new StoreDamagedError(message, { path, cause });
}
