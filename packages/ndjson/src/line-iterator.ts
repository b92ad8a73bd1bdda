import { isAscii } from "node:buffer";
import { asLogError, LogError } from "./errors.ts";
import type { PlacedBlock } from "./placed-blocks.ts";

/** A line of a block: its bytes without the newline, and its text where that is known already. */
interface BlockLine {
  readonly start: number;
  readonly end: number;
  /** Place in the block, from 0. */
  readonly index: number;
  /** The line as a slice of a longer text, which stays in memory as long as the slice does: to be read, not to be handed out. */
  readonly text: string | undefined;
}

/** What to do with a line: gives its value; `undefined` leaves it out. */
export type TakeLine<T> = (block: PlacedBlock, ascii: boolean, line: BlockLine) => T | undefined;

// Longer texts would be set apart by the engine, and given back late.
const PIECE = 64 * 1024;

export interface LineIteratorOptions<T> {
  readonly path: string;
  readonly take: TakeLine<T>;
  /** Whether `take` reads the text of a line and does not keep it: lines of ASCII are then decoded many at a time. */
  readonly inPieces: boolean;
  readonly maxLineBytes: number;
  /** Position after which nothing is given. */
  readonly to: number;
  /** Asked about an error of `take`: true when the rest of the log is a torn tail, so that the log ends here. */
  readonly endsAt: (block: PlacedBlock, error: unknown) => boolean;
  readonly signal: AbortSignal | undefined;
}

/**
 * Lines of a log, one by one. Written out by hand: an async generator costs more for each line than reading and parsing a
 * short one does. Lines of a block that was read already are given without waiting.
 */
export class LineIterator<T> implements AsyncIterableIterator<T>, AsyncDisposable {
  readonly #blocks: AsyncGenerator<PlacedBlock, void>;
  readonly #options: LineIteratorOptions<T>;
  #block: PlacedBlock | undefined;
  #ascii = false;
  #bytes: Buffer = Buffer.alloc(0);
  /** Some whole lines of the block as text, and where they are. */
  #piece = "";
  #pieceStart = 0;
  #pieceEnd = 0;
  #at = 0;
  #index = 0;
  #left: number;
  #busy: Promise<unknown> | undefined;
  #done = false;

  constructor(blocks: AsyncGenerator<PlacedBlock, void>, from: number, options: LineIteratorOptions<T>) {
    this.#blocks = blocks;
    this.#options = options;
    this.#left = options.to - from + 1;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<T>> {
    if (this.#busy !== undefined) return this.#after(() => this.next());
    if (this.#left <= 0 && !this.#done) return this.#hold(this.#end());
    try {
      const value = this.#takeNext();
      if (value !== undefined) return Promise.resolve({ done: false, value });
    } catch (error) {
      return this.#hold(this.#failed(error));
    }
    return this.#done ? Promise.resolve({ done: true, value: undefined }) : this.#hold(this.#advance());
  }

  return(): Promise<IteratorResult<T>> {
    if (this.#busy !== undefined) return this.#after(() => this.return());
    return this.#hold(this.#end());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  #after(then: () => Promise<IteratorResult<T>>): Promise<IteratorResult<T>> {
    return (this.#busy ?? Promise.resolve()).then(then, then);
  }

  #hold(work: Promise<IteratorResult<T>>): Promise<IteratorResult<T>> {
    const held = work.finally(() => {
      if (this.#busy === held) this.#busy = undefined;
    });
    this.#busy = held;
    return held;
  }

  #takeNext(): T | undefined {
    const { take, maxLineBytes } = this.#options;
    const inPieces = this.#ascii && this.#options.inPieces;
    while (this.#block !== undefined && this.#at < this.#bytes.length && this.#left > 0) {
      const start = this.#at;
      let end: number;
      let text: string | undefined;
      if (inPieces) {
        if (start >= this.#pieceEnd) this.#decode(start);
        const from = start - this.#pieceStart;
        const to = this.#piece.indexOf("\n", from);
        text = this.#piece.slice(from, to);
        end = this.#pieceStart + to;
      } else end = this.#bytes.indexOf(0x0a, start);
      if (end - start > maxLineBytes) {
        const { path, offset } = this.#block.place;
        const at = offset + start;
        throw new LogError(
          "LOG_LINE_TOO_LONG",
          `Cannot read "${path}": the line at offset ${at} has ${end - start} bytes, the limit is ${maxLineBytes}; raise maxLineBytes`,
          { path },
        );
      }
      this.#at = end + 1;
      const index = this.#index++;
      this.#block.lines = this.#index;
      const value = take(this.#block, this.#ascii, { start, end, index, text });
      this.#left--;
      if (value !== undefined) return value;
    }
    return undefined;
  }

  /**
   * Makes the lines from `start` on one text. Finding the ends of lines in a text, and taking slices of it, costs less than a call into
   * the buffer for each line: a tenth of all that reading a line of 300 bytes takes.
   */
  #decode(start: number): void {
    const most = Math.min(start + PIECE, this.#bytes.length);
    let end = this.#bytes.lastIndexOf(0x0a, most - 1) + 1;
    if (end <= start) end = this.#bytes.indexOf(0x0a, start) + 1;
    this.#piece = this.#bytes.toString("latin1", start, end);
    this.#pieceStart = start;
    this.#pieceEnd = end;
  }

  async #advance(): Promise<IteratorResult<T>> {
    while (true) {
      let next: IteratorResult<PlacedBlock, void>;
      try {
        next = await this.#blocks.next();
      } catch (error) {
        return this.#failed(error);
      }
      if (next.done === true) return this.#end();
      this.#block = next.value;
      this.#bytes = next.value.bytes;
      this.#ascii = isAscii(this.#bytes);
      this.#pieceEnd = 0;
      this.#at = 0;
      this.#index = 0;
      try {
        const value = this.#takeNext();
        if (value !== undefined) return { done: false, value };
      } catch (error) {
        return this.#failed(error);
      }
      if (this.#left <= 0) return this.#end();
    }
  }

  async #end(): Promise<IteratorResult<T>> {
    this.#done = true;
    this.#block = undefined;
    this.#piece = "";
    await this.#blocks.return();
    return { done: true, value: undefined };
  }

  async #failed(error: unknown): Promise<IteratorResult<T>> {
    const { endsAt, signal, path } = this.#options;
    const block = this.#block;
    if (block !== undefined && endsAt(block, error)) return this.#end();
    await this.#end();
    if (signal?.aborted === true) throw error;
    throw asLogError("read", path, error);
  }
}
