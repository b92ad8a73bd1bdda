import type { OpenFile } from "@holdfast/fsutil";
import { LogError } from "./errors.ts";

/** Longest line that is read or written unless an option says otherwise: 64 MiB. */
export const DEFAULT_MAX_LINE_BYTES = 64 * 1024 * 1024;

const CHUNK = 512 * 1024;
// What is left of a line at the end of a chunk is copied in front of the next one.
const HEAD = 64 * 1024;
const NEWLINE = 0x0a;

/** Bytes of a file from a line start on. `bytes` is valid until the next block is asked for. */
export interface Block {
  readonly bytes: Buffer;
  /** Where the bytes start in the file. */
  readonly offset: number;
  /** False for the last bytes of a file that does not end in a newline; then they are one piece of a line. */
  readonly terminated: boolean;
}

export interface ReadBlocksOptions {
  /** Where to start, in bytes; must be a line start. */
  readonly from: number;
  /** Where to stop, in bytes. */
  readonly to: number;
  readonly maxLineBytes: number;
  readonly signal?: AbortSignal | undefined;
}

function tooLong(path: string, offset: number, limit: number): LogError {
  return new LogError(
    "LOG_LINE_TOO_LONG",
    `Cannot read "${path}": the line at offset ${offset} is longer than ${limit} bytes; raise maxLineBytes if it is meant to be`,
    { path },
  );
}

/**
 * Reads a file in blocks of whole lines, one chunk ahead, with constant memory: two buffers, and the pieces of a long line.
 * The piece after the last newline, if there is one, comes last with `terminated: false`.
 */
export async function* readBlocks(file: OpenFile, options: ReadBlocksOptions): AsyncGenerator<Block, void> {
  const { from, to, maxLineBytes, signal } = options;
  // A small log takes one small buffer.
  const chunk = Math.min(CHUNK, to - from);
  const head = Math.min(HEAD, to - from);
  const buffers: [Buffer?, Buffer?] = [];
  const bufferOf = (which: number): Buffer => {
    const index = which === 0 ? 0 : 1;
    return (buffers[index] ??= Buffer.allocUnsafeSlow(head + chunk));
  };
  let position = from;
  let turn = 0;
  const fill = (which: number, at: number): Promise<number> => {
    const length = Math.min(chunk, to - at);
    if (length <= 0) return Promise.resolve(0);
    return file.read(bufferOf(which).subarray(head, head + length), at);
  };

  let rest: Buffer = Buffer.alloc(0); // an unfinished line at the end of the last chunk
  let pieces: Buffer[] = []; // of a line that does not fit in front of a chunk
  let piecesBytes = 0;
  let pending = fill(turn, position);
  // An abandoned read-ahead must not become an unhandled rejection.
  pending.catch(() => undefined);
  try {
    while (true) {
      signal?.throwIfAborted();
      const count = await pending;
      if (count === 0) break;
      const buffer = bufferOf(turn);
      const chunkAt = position;
      position += count;
      if (rest.length > head) {
        pieces.push(Buffer.from(rest));
        piecesBytes += rest.length;
        rest = rest.subarray(0, 0);
      }
      rest.copy(buffer, head - rest.length);
      let start = head - rest.length;
      const end = head + count;
      turn = 1 - turn;
      pending = fill(turn, position);
      pending.catch(() => undefined);

      let blockAt = chunkAt - rest.length;
      if (piecesBytes > 0) {
        const first = buffer.subarray(start, end).indexOf(NEWLINE);
        const stop = first === -1 ? end : start + first + 1;
        pieces.push(Buffer.from(buffer.subarray(start, stop)));
        piecesBytes += stop - start;
        const lineAt = chunkAt + (stop - head) - piecesBytes;
        if (piecesBytes - (first === -1 ? 0 : 1) > maxLineBytes)
          throw tooLong(file.path, lineAt, maxLineBytes);
        rest = rest.subarray(0, 0);
        if (first === -1) continue;
        yield { bytes: Buffer.concat(pieces, piecesBytes), offset: lineAt, terminated: true };
        pieces = [];
        piecesBytes = 0;
        start = stop;
        blockAt = chunkAt + (stop - head);
      }
      const last = buffer.subarray(start, end).lastIndexOf(NEWLINE);
      if (last !== -1) {
        yield { bytes: buffer.subarray(start, start + last + 1), offset: blockAt, terminated: true };
        start += last + 1;
      }
      rest = buffer.subarray(start, end);
      if (rest.length > maxLineBytes) throw tooLong(file.path, position - rest.length, maxLineBytes);
    }
    if (piecesBytes + rest.length > 0) {
      const bytes = Buffer.concat([...pieces, rest]);
      yield { bytes, offset: position - bytes.length, terminated: false };
    }
  } finally {
    // The file may be closed only when nothing reads from it any more.
    await pending.catch(() => undefined);
  }
}
