import type { Appended, AppendOptions } from "./log-options.ts";

/** What waits to be written: the lines of one call of `append`, or of none, for a flush. */
export interface Waiting {
  readonly lines: string | readonly string[];
  /** Bytes of the lines and of their newlines; an estimate for text beyond ASCII, unless the log rotates. */
  readonly size: number;
  readonly options: AppendOptions | undefined;
  readonly resolve: (appended: Appended) => void;
  readonly reject: (error: unknown) => void;
  /** Set when it is written: length of the (last) line in bytes, without its newline. */
  length: number;
  /** Set when it is written: lengths of several lines. */
  lengths: readonly number[] | undefined;
  /** Set when it is durable, or refused: what its caller will be told. */
  outcome: Appended | undefined;
  refusal: unknown;
}

/** Tells a caller what became of its lines. */
export function tell({ outcome, refusal, resolve, reject }: Waiting): void {
  if (outcome === undefined) reject(refusal);
  else resolve(outcome);
}

export function lineCount({ lines }: Waiting): number {
  return typeof lines === "string" ? 1 : lines.length;
}

/** First in, first out. Taken items are dropped in bulk, so that a long queue costs no shifting. */
export class AppendQueue {
  #items: Waiting[] = [];
  #first = 0;
  /** Size of all that wait. */
  bytes = 0;

  get length(): number {
    return this.#items.length - this.#first;
  }

  push(waiting: Waiting): void {
    this.#items.push(waiting);
    this.bytes += waiting.size;
  }

  peek(): Waiting | undefined {
    return this.#items[this.#first];
  }

  take(): Waiting | undefined {
    const taken = this.#items[this.#first];
    if (taken === undefined) return undefined;
    this.#first++;
    this.bytes -= taken.size;
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
