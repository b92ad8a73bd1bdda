import { setImmediate } from "node:timers/promises";

const WEIGHT = 0.2;
const SHORT_MS = 2;
// One long sync, and the next ones go to the thread pool: the process must not stand still twice.
const LONG_MS = 10;
const CAUTIOUS_SYNCS = 8;

/**
 * Decides whether a sync is done in place or in the thread pool, by how long the last ones took: the way to the pool and back can take longer than the sync itself. In place is for
 * a write that is alone, and after a turn of the event loop, so that the rest of the process gets its own however many writes follow each other.
 */
export class SyncPace {
  #syncMs = Number.POSITIVE_INFINITY;
  #cautious = 0;
  #underWay = 0;

  /** A write begins. `end()` follows, however it ends. */
  begin(): void {
    this.#underWay += 1;
  }

  end(): void {
    this.#underWay -= 1;
  }

  /** Before the first sync of a write: resolves when the rest of the process had its turn, or at once where the sync goes to the pool anyway. */
  async letOthersRun(): Promise<void> {
    if (this.#isInPlace()) await setImmediate();
  }

  /** Syncs in one of the two ways. */
  async sync(inPlace: () => void, inPool: () => Promise<void>): Promise<void> {
    const start = performance.now();
    if (this.#isInPlace()) inPlace();
    else await inPool();
    this.#saw(performance.now() - start);
  }

  #isInPlace(): boolean {
    return this.#underWay <= 1 && this.#cautious === 0 && this.#syncMs < SHORT_MS;
  }

  #saw(ms: number): void {
    if (ms > LONG_MS) this.#cautious = CAUTIOUS_SYNCS;
    else if (this.#cautious > 0) this.#cautious -= 1;
    // The first sync of a file, and one now and then, takes longer than the others: that is soon forgotten.
    if (this.#syncMs === Number.POSITIVE_INFINITY) this.#syncMs = ms;
    else this.#syncMs += (ms - this.#syncMs) * (ms < this.#syncMs ? 0.5 : WEIGHT);
  }
}
