import { once } from "node:events";
import type { Writable } from "node:stream";

/** How a write says that the reader has gone. */
const READER_GONE: ReadonlySet<string | undefined> = new Set(["EPIPE", "EOF", "ERR_STREAM_DESTROYED"]);

/**
 * A stream of the terminal that never loses what was written and never fails because nobody reads: every write waits
 * until it is taken, and a reader that went away (`| head`) only makes it `closed`. Any other failure (a full disk) is
 * kept as `failure`, for the end of the command to tell.
 */
export class Output {
  readonly isTerminal: boolean;
  readonly columns: number;
  #closed = false;
  #failure: NodeJS.ErrnoException | undefined;
  readonly #stream: Writable;

  constructor(stream: Writable & { isTTY?: boolean; columns?: number }) {
    this.#stream = stream;
    this.isTerminal = stream.isTTY === true;
    // A terminal that does not know its width says 0.
    this.columns = stream.columns === undefined || stream.columns < 1 ? 80 : stream.columns;
    stream.on("error", (error: NodeJS.ErrnoException) => {
      this.#closed = true;
      if (!READER_GONE.has(error.code)) this.#failure ??= error;
    });
  }

  /** True once the reader has gone; what is written afterwards goes nowhere. */
  get closed(): boolean {
    return this.#closed || this.#stream.destroyed;
  }

  /** Why what was written did not arrive, although somebody wanted it; known once {@link settled} resolved. */
  get failure(): NodeJS.ErrnoException | undefined {
    return this.#failure;
  }

  /** Resolves when everything written so far has arrived, or cannot any more. */
  async settled(): Promise<void> {
    if (!this.closed) await new Promise<void>((resolve) => this.#stream.write("", () => resolve()));
    // A stream tells of its error after it called back.
    await new Promise<void>((resolve) => setImmediate(resolve));
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
