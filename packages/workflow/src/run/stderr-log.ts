import { type Clock, type Fence, formatTimestamp, type Store } from "@holdfast/storage";

const MAX_WAITING = 1_000;

/** Keeps what agents write to stderr in `runs/<run_id>/logs/<agent>`; lines that arrive while one write is under way share the next. */
export class StderrLog {
  readonly #store: Store;
  readonly #runId: string;
  readonly #fence: Fence;
  readonly #clock: Clock;
  readonly #waiting = new Map<string, { text: string }[]>();
  #count = 0;
  #writing: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(store: Store, runId: string, fence: Fence, clock: Clock) {
    this.#store = store;
    this.#runId = runId;
    this.#fence = fence;
    this.#clock = clock;
  }

  /** Takes a line; waits only when many are not written yet. Rejects once a write failed: nothing more is kept then. */
  async add(agent: string, line: string): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure.error;
    const text = JSON.stringify({
      timestamp: formatTimestamp(this.#clock()),
      agent,
      line: line.toWellFormed(),
    });
    const lines = this.#waiting.get(agent) ?? [];
    lines.push({ text });
    this.#waiting.set(agent, lines);
    this.#count += 1;
    this.#writing ??= this.#write();
    if (this.#count > MAX_WAITING) await this.#writing;
  }

  /** Waits until everything is written. Never rejects: a log of an agent is not worth a run. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    await Promise.resolve();
    while (this.#count > 0 && this.#failure === undefined) {
      const batch = [...this.#waiting];
      this.#waiting.clear();
      this.#count = 0;
      for (const [agent, items] of batch) {
        try {
          await this.#store.logs.append(`runs/${this.#runId}/logs/${agent}`, items, { fence: this.#fence });
        } catch (error) {
          this.#failure ??= { error };
        }
      }
    }
    this.#writing = undefined;
  }
}
