import type { Command } from "@holdfast/ledger";
import type { Fence, Store } from "@holdfast/storage";
import type { ProgressRecord, RunProgress } from "../flow/progress.ts";
import { tellRecord } from "./story.ts";

const FLUSH_LINES = 200;

/** The readable story of a run, `runs/<run_id>/transcript`: made from the ledger, and caught up from it after a crash. */
export class Transcript {
  readonly #store: Store;
  readonly #key: string;
  readonly #fence: Fence;
  readonly #sentAt: (command: Command) => string;
  /** Ledger lines up to here are told. */
  #told: number;
  #lastTold: number;
  #waiting: { text: string }[] = [];

  private constructor(
    store: Store,
    key: string,
    fence: Fence,
    sentAt: (command: Command) => string,
    told: number,
  ) {
    this.#sentAt = sentAt;
    this.#store = store;
    this.#key = key;
    this.#fence = fence;
    this.#told = told;
    this.#lastTold = told;
  }

  /** Opens the transcript of a run and finds the last ledger line it tells. */
  static async open(
    store: Store,
    runId: string,
    options: { readonly fence: Fence; readonly sentAt: (command: Command) => string },
  ): Promise<Transcript> {
    const key = `runs/${runId}/transcript`;
    let told = 0;
    const head = await store.logs.head(key);
    for await (const line of store.logs.read(key, { from: Math.max(1, head) })) {
      told = Number.parseInt(line.text.trim(), 10) || 0;
    }
    // A last line that somebody else wrote does not say where the story stands.
    if (head > 0 && told === 0) {
      for await (const line of store.logs.read(key))
        told = Math.max(told, Number.parseInt(line.text.trim(), 10) || 0);
    }
    return new Transcript(store, key, options.fence, options.sentAt, told);
  }

  /** Takes in a ledger line that `progress` knows already; nothing is written yet. Lines that are told already are skipped. */
  tell(record: ProgressRecord, progress: RunProgress): void {
    if (record.seq <= this.#told) return;
    this.#told = record.seq;
    const text = tellRecord(record, progress, this.#sentAt);
    if (text === undefined) return;
    this.#lastTold = record.seq;
    this.#waiting.push({ text });
  }

  /** The last ledger line that has a line of the story. */
  get lastTold(): number {
    return this.#lastTold;
  }

  /** The lines up to this one are known to be told: those that are no part of the story leave no trace in it. */
  passOver(seq: number): void {
    this.#told = Math.max(this.#told, seq);
  }

  /** Whether so much waits that it should be written soon. */
  get isFull(): boolean {
    return this.#waiting.length >= FLUSH_LINES;
  }

  /** Writes what waits; durable when it resolves. */
  async flush(): Promise<void> {
    if (this.#waiting.length === 0) return;
    const items = this.#waiting;
    this.#waiting = [];
    await this.#store.logs.append(this.#key, items, { fence: this.#fence });
  }
}
