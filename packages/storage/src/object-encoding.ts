import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import {
  constants,
  createZstdCompress,
  createZstdDecompress,
  type ZstdOptions,
  zstdCompress,
  zstdCompressSync,
  zstdDecompressSync,
} from "node:zlib";
import type { Bytes } from "./store.ts";

/** Content up to here is handled in memory, in one piece. */
export const WHOLE_BYTES = 1024 * 1024;
const SYNC_BYTES = 64 * 1024;
// Below this a frame saves less than the block of the disk it would free.
const MIN_BYTES = 512;
const SAMPLE_BYTES = 64 * 1024;
const LEVEL = { params: { [constants.ZSTD_c_compressionLevel]: 3 } };

/** The compressed form of content, where it is smaller by a tenth at least; otherwise `undefined`. */
export async function compressWhole(content: Bytes): Promise<Bytes | undefined> {
  if (content.length < MIN_BYTES) return undefined;
  if (content.length <= SYNC_BYTES) return ifItPays(zstdCompressSync(content, LEVEL), content.length);
  if (!samplePays(content)) return undefined;
  const compressed = await new Promise<Buffer>((resolve, reject) => {
    zstdCompress(content, LEVEL, (error, result) => (error === null ? resolve(result) : reject(error)));
  });
  return ifItPays(compressed, content.length);
}

/** Whether the beginning of some content can be compressed: what is compressed or random already cannot. */
export function samplePays(content: Bytes): boolean {
  const sample = content.subarray(0, SAMPLE_BYTES);
  return sample.length >= MIN_BYTES && ifItPays(zstdCompressSync(sample, LEVEL), sample.length) !== undefined;
}

function ifItPays(compressed: Bytes, size: number): Bytes | undefined {
  return compressed.length < size * 0.9 ? compressed : undefined;
}

/** Compresses a stream. */
export function compressStream(
  content: AsyncIterable<Bytes>,
  frame: ZstdOptions = LEVEL,
): AsyncIterable<Bytes> {
  return through(content, createZstdCompress(frame));
}

/** Decompresses a stream; throws where it is no whole zstd frame. */
export function decompressStream(content: AsyncIterable<Bytes>): AsyncIterable<Bytes> {
  return through(content, createZstdDecompress());
}

/** Decompresses what is known to have at most so many bytes. */
export function decompressWhole(frame: Bytes, maxBytes: number): Bytes {
  return zstdDecompressSync(frame, { maxOutputLength: Math.max(1, maxBytes) });
}

async function* through(
  content: AsyncIterable<Bytes>,
  transform: ReturnType<typeof createZstdCompress>,
): AsyncGenerator<Bytes> {
  const source = Readable.from(content, { objectMode: true });
  const done = pipeline(source, transform);
  done.catch(() => undefined); // it comes out of the iteration as well
  try {
    for await (const piece of transform) {
      if (piece instanceof Uint8Array) yield piece;
    }
    await done;
  } finally {
    source.destroy();
    transform.destroy();
  }
}

/**
 * How long the content of a zstd frame is, where its header says so.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc8878#section-3.1.1.1 | RFC 8878, frame header}
 */
export function contentSizeOf(header: Bytes): number | undefined {
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  if (header.length < 6 || view.getUint32(0, true) !== 0xfd2fb528) return undefined;
  const descriptor = view.getUint8(4);
  const single = (descriptor & 0x20) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const at = 5 + (single ? 0 : 1) + dictionaryBytes;
  const flag = descriptor >> 6;
  const bytes = flag === 0 ? (single ? 1 : 0) : 2 ** flag;
  if (bytes === 0 || header.length < at + bytes) return undefined;
  if (bytes === 1) return view.getUint8(at);
  if (bytes === 2) return view.getUint16(at, true) + 256;
  if (bytes === 4) return view.getUint32(at, true);
  return Number(view.getBigUint64(at, true));
}
