import { LogError } from "./errors.ts";
import { DEFAULT_MAX_LINE_BYTES } from "./read-blocks.ts";

/** A line of a stream of bytes. */
export interface ByteLine {
  /** The line without its newline. Bytes of its own, or a part of what the source gave. */
  readonly bytes: Uint8Array;
  /** Line in the stream, from 1. */
  readonly number: number;
  /** Where the line starts in the stream, in bytes. */
  readonly offset: number;
  /** False for what comes after the last newline. */
  readonly terminated: boolean;
}

/** Options of {@link splitLines}. */
export interface SplitLinesOptions {
  /** Longest line in bytes; default 64 MiB. */
  readonly maxLineBytes?: number;
  /** What the stream is called in errors; default `stream`. */
  readonly name?: string;
  readonly signal?: AbortSignal;
}

/**
 * Splits any stream of bytes (a socket, the output of a process) into lines, at 0x0A and nowhere else: a carriage return stays
 * with its line, and U+2028 is a character like others.
 *
 * @param source - Bytes in pieces of any size. They must not change after they were given.
 * @param options - See {@link SplitLinesOptions}.
 * @returns The lines, the unfinished last one included (`terminated: false`).
 * @throws {LogError} `LOG_LINE_TOO_LONG`, as soon as the limit is passed.
 */
export async function* splitLines(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: SplitLinesOptions = {},
): AsyncGenerator<ByteLine, void> {
  const { maxLineBytes = DEFAULT_MAX_LINE_BYTES, name = "stream", signal } = options;
  let pieces: Uint8Array[] = [];
  let held = 0;
  let number = 1;
  let offset = 0;
  const check = (length: number): void => {
    if (length <= maxLineBytes) return;
    const where = `line ${number} at offset ${offset}`;
    throw new LogError(
      "LOG_LINE_TOO_LONG",
      `Cannot read "${name}": ${where} is longer than ${maxLineBytes} bytes`,
      { path: name },
    );
  };
  for await (const chunk of source) {
    signal?.throwIfAborted();
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, start)) {
      const part = chunk.subarray(start, end);
      const bytes = held === 0 ? part : Buffer.concat([...pieces, part]);
      check(bytes.length);
      yield { bytes, number, offset, terminated: true };
      pieces = [];
      held = 0;
      number++;
      offset += bytes.length + 1;
      start = end + 1;
    }
    if (start === chunk.length) continue;
    pieces.push(chunk.subarray(start));
    held += chunk.length - start;
    check(held);
  }
  if (held > 0) yield { bytes: Buffer.concat(pieces), number, offset, terminated: false };
}
