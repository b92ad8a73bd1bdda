import type { Writable } from "node:stream";

/** Writes lines to a pipe, one after the other. */
export interface LineWriter {
  /** Writes a line and its newline; resolves when the pipe took it, also when nobody reads it any more. */
  write(line: string): Promise<void>;
}

/**
 * Makes a writer of lines.
 *
 * @param output - Where to; usually stdout.
 * @param onClosed - Called once when the other side does not read any more.
 */
export function createLineWriter(output: Writable, onClosed: () => void): LineWriter {
  let closed = false;
  const close = (): void => {
    if (closed) return;
    closed = true;
    onClosed();
  };
  output.on("error", close);
  output.on("close", close);
  return {
    write: (line) =>
      new Promise((resolve) => {
        if (closed) return resolve();
        output.write(`${line}\n`, (error) => {
          if (error) close();
          resolve();
        });
      }),
  };
}
