const WEIGHT = 0.2;
// Fewer callers are quick in any case.
const LEAST = 128;
// A busy machine adds a millisecond to the way through the thread pool: below this, what waits in line gains by waiting in place.
const SHORT_MS = 5;
// One long sync, and the next ones go to the thread pool: the process must not stand still twice.
const LONG_MS = 10;
const CAUTIOUS_SYNCS = 8;

/**
 * Decides how a sync is done, by how long the last ones took: in place while they are short, in the thread pool otherwise; and
 * whether callers shall run while a sync is under way. They wait for one sync each; when all of them are told at once,
 * the disk rests until they have come back, and then they rest. With many callers that takes longer than a sync: then half of
 * them run while the records of the other half are synced. With few, a sync more costs more than it hides.
 */
export class CommitPace {
  #syncMs = Number.POSITIVE_INFINITY;
  #callerMs = 0;
  #cautious = 0;

  /** Whether so many callers take longer than a sync. */
  overlaps(callers: number): boolean {
    return callers >= LEAST && this.#syncMs < this.#callerMs * callers;
  }

  /** Whether a sync is so short that the way to the thread pool and back would cost as much. */
  isShort(): boolean {
    return this.#cautious === 0 && this.#syncMs < SHORT_MS;
  }

  sawSync(ms: number): void {
    if (ms > LONG_MS) this.#cautious = CAUTIOUS_SYNCS;
    else if (this.#cautious > 0) this.#cautious--;
    // The first sync of a file, and one now and then, takes longer than the others: that is soon forgotten.
    if (this.#syncMs === Number.POSITIVE_INFINITY) this.#syncMs = ms;
    else this.#syncMs += (ms - this.#syncMs) * (ms < this.#syncMs ? 0.5 : WEIGHT);
  }

  /** How long it took until so many callers, who had been told, had nothing more to do. */
  sawCallers(callers: number, ms: number): void {
    if (callers >= LEAST / 4) this.#callerMs += (ms / callers - this.#callerMs) * WEIGHT;
  }
}
