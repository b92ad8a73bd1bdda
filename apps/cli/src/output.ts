import { once } from "node:events";
import type { Writable } from "node:stream";

/**
 * A stream of the terminal that never loses what was written and never fails because nobody reads: every write waits
 * until it is taken, and a reader that went away (`| head`) only makes it `closed`.
 */
export class Output {
  readonly isTerminal: boolean;
  readonly columns: number;
  #closed = false;
  readonly #stream: Writable;

  constructor(stream: Writable & { isTTY?: boolean; columns?: number }) {
    this.#stream = stream;
    this.isTerminal = stream.isTTY === true;
    this.columns = stream.columns ?? 80;
    stream.on("error", (error: NodeJS.ErrnoException) => {
      this.#closed = true;
      if (error.code !== "EPIPE" && error.code !== "EOF" && error.code !== "ERR_STREAM_DESTROYED")
        throw error;
    });
  }

  /** True once the reader has gone; what is written afterwards goes nowhere. */
  get closed(): boolean {
    return this.#closed || this.#stream.destroyed;
  }

  async write(text: string): Promise<void> {
    if (this.closed || text === "") return;
    if (this.#stream.write(text)) return;
    await Promise.race([once(this.#stream, "drain"), once(this.#stream, "close")]).catch(() => undefined);
  }

  line(text = ""): Promise<void> {
    return this.write(`${text}\n`);
  }
}
