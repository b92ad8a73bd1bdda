/** A line of a program's output, or that one was too long to keep. */
export type OutputLine = { readonly bytes: Buffer } | { readonly oversizedBytes: number };

/** Splits bytes at `\n`. */
export interface OutputSplitter {
  /** The lines that these bytes complete. */
  push(chunk: Uint8Array): OutputLine[];
  /** The last line when the output ended without `\n`. */
  end(): OutputLine | undefined;
}

/**
 * Makes a splitter that never holds more than one line of `maxLineBytes` (with its newline). A longer line is skipped to its
 * newline and given as its size; a `\r` before the newline is dropped. Splitting works on bytes, so a character over two chunks stays whole.
 */
export function createOutputSplitter(maxLineBytes: number): OutputSplitter {
  let pieces: Buffer[] = [];
  let length = 0;

  const add = (piece: Buffer): void => {
    length += piece.length;
    if (length >= maxLineBytes) pieces = [];
    // A copy: a kept piece would hold the whole chunk of the pipe in memory.
    else if (piece.length > 0) pieces.push(Buffer.from(piece));
  };
  const take = (newline: number): OutputLine => {
    const size = length + newline;
    const line: OutputLine =
      size > maxLineBytes || length >= maxLineBytes ? { oversizedBytes: size } : { bytes: joined(pieces) };
    pieces = [];
    length = 0;
    return line;
  };

  return {
    push(chunk) {
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      const lines: OutputLine[] = [];
      let start = 0;
      for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, start)) {
        add(bytes.subarray(start, at));
        lines.push(take(1));
        start = at + 1;
      }
      add(bytes.subarray(start));
      return lines;
    },
    end: () => (length === 0 ? undefined : take(0)),
  };
}

function joined(pieces: readonly Buffer[]): Buffer {
  const bytes = pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces);
  return bytes.at(-1) === 13 ? bytes.subarray(0, -1) : bytes;
}
