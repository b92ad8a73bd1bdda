import type { Appended, AppendOptions } from "./log-options.ts";

/** What waits to be written: the lines of one call of `append`, or of none, for a flush. */
export interface Waiting {
  /** The lines, with a newline between them but none at the end; `undefined` for a flush. */
  readonly text: string | undefined;
  /** Bytes of the lines and of all their newlines. */
  readonly bytes: number;
  /** Length of the line in bytes, without its newline; for several lines, of the last one. */
  readonly length: number;
  /** Lengths of all lines, when there is more than one. */
  readonly lengths: readonly number[] | undefined;
  readonly options: AppendOptions | undefined;
  readonly resolve: (appended: Appended) => void;
  readonly reject: (error: unknown) => void;
}

export function lineCount(waiting: Waiting): number {
  if (waiting.text === undefined) return 0;
  return waiting.lengths?.length ?? 1;
}

/** First in, first out. Taken items are dropped in bulk, so that a long queue costs no shifting. */
export class AppendQueue {
  #items: Waiting[] = [];
  #first = 0;
  /** Bytes of all that wait. */
  bytes = 0;

  get length(): number {
    return this.#items.length - this.#first;
  }

  push(waiting: Waiting): void {
    this.#items.push(waiting);
    this.bytes += waiting.bytes;
  }

  peek(): Waiting | undefined {
    return this.#items[this.#first];
  }

  take(): Waiting | undefined {
    const taken = this.#items[this.#first];
    if (taken === undefined) return undefined;
    this.#first++;
    this.bytes -= taken.bytes;
    if (this.#first === this.#items.length) {
      this.#items = [];
      this.#first = 0;
    } else if (this.#first > 4096) {
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    }
    return taken;
  }
}
