import type { Context } from "./context.ts";

const REDRAW_MS = 100;

/** A line on the terminal that tells how far something is; nothing where stderr is not a terminal, or with --quiet. */
export class ProgressLine {
  readonly #context: Context;
  readonly #shows: boolean;
  #drawnAt = 0;
  #drawn = false;

  constructor(context: Context) {
    this.#context = context;
    this.#shows = context.err.isTerminal && !context.quiet;
  }

  /** Redraws the line, at most ten times a second. */
  update(text: string): void {
    if (!this.#shows) return;
    const now = performance.now();
    if (now - this.#drawnAt < REDRAW_MS) return;
    this.#drawnAt = now;
    this.#drawn = true;
    void this.#context.err.write(`\r\u001b[2K${text.slice(0, this.#context.err.columns - 1)}`);
  }

  /** Removes the line. */
  clear(): void {
    if (!this.#drawn) return;
    this.#drawn = false;
    void this.#context.err.write("\r\u001b[2K");
  }
}
