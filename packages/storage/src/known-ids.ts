import type { Log } from "@holdfast/ndjson";
import { IdIndex, possibleIds } from "./id-index.ts";
import type { LogLine } from "./store.ts";

/** How {@link KnownIds} looks at the log. */
export interface KnownIdsOptions {
  /** Reads the log from a position, to know ids again. */
  readonly read: (from: number) => AsyncIterable<LogLine>;
  /** The id of a line. */
  readonly idOf: (text: string) => string | undefined;
}

/** Knows ids: `position` and `size` are those up to which the log was read for them. */
interface Ids {
  readonly index: IdIndex;
  position: number;
  size: number;
}

/** Which ids the lines of a log have, for appends under an id. Nothing is read before the first of them. */
export class KnownIds {
  readonly #options: KnownIdsOptions;
  #ids: Promise<Ids> | undefined;
  /** What was opened before and is as it was: its ids need not be read again. */
  #kept: Ids | undefined;
  /** Ids of lines that are being written. */
  #pending = new Map<string, Promise<unknown>>();

  constructor(options: KnownIdsOptions) {
    this.#options = options;
  }

  /** Reads the ids once; where that fails the next append tries again. `inFlight`: what is being written. */
  async load(log: Log, inFlight: Iterable<Promise<unknown>>): Promise<IdIndex> {
    const reading = (this.#ids ??= this.#read(log, inFlight));
    try {
      return (await reading).index;
    } catch (error) {
      if (this.#ids === reading) this.#ids = undefined;
      throw error;
    }
  }

  /**
   * The positions of those ids that the log holds, or what to wait for before looking again: an append of one of them, or a line
   * that may hold it. `seen`: the ids of the lines that were read for it.
   */
  look(
    index: IdIndex,
    wanted: readonly string[],
    seen: Map<number, string | undefined>,
  ): ReadonlyMap<string, number> | Promise<unknown> {
    const known = new Map<string, number>();
    for (const id of wanted) {
      const pending = this.#pending.get(id);
      if (pending !== undefined) return pending.catch(() => undefined);
      for (const position of index.candidates(id)) {
        if (!seen.has(position)) return this.#idAt(position).then((found) => seen.set(position, found));
        const first = known.get(id) ?? Number.POSITIVE_INFINITY;
        if (seen.get(position) === id) known.set(id, Math.min(first, position));
      }
    }
    return known;
  }

  /** Takes note of lines that are being written; resolves as their append does, with what was noted of their ids. */
  async watch<T extends { readonly position: number }>(
    texts: readonly string[],
    appended: Promise<T>,
  ): Promise<T> {
    const ids = this.#ids === undefined ? [] : texts.map((text) => possibleIds(text));
    for (const id of ids.flat()) this.#pending.set(id, appended);
    try {
      const result = await appended;
      const found = await this.#ids?.catch(() => undefined);
      const start = result.position - texts.length + 1;
      if (found !== undefined) {
        for (const [index, each] of ids.entries()) for (const id of each) found.index.add(id, start + index);
      }
      return result;
    } finally {
      for (const id of ids.flat()) if (this.#pending.get(id) === appended) this.#pending.delete(id);
    }
  }

  /** Before the log is closed: what is known stays known, should it be opened again as it is now. */
  async keep(log: Log): Promise<void> {
    const ids = await this.#ids?.catch(() => undefined);
    if (ids !== undefined) this.#kept = Object.assign(ids, { position: log.position, size: log.size });
  }

  /** The log is closed. `whole`: as `keep()` left it. */
  rest(whole: boolean): void {
    this.#ids = undefined;
    if (!whole) this.#kept = undefined;
  }

  async #idAt(position: number): Promise<string | undefined> {
    for await (const { text } of this.#options.read(position)) return this.#options.idOf(text);
    return undefined;
  }

  async #read(log: Log, inFlight: Iterable<Promise<unknown>>): Promise<Ids> {
    // What was appended before ids were wanted is read from the file, so it has to be there.
    await Promise.allSettled(inFlight);
    const kept = this.#kept;
    if (kept !== undefined && kept.position === log.position && kept.size === log.size) return kept;
    const ids: Ids = { index: new IdIndex(), position: 0, size: 0 };
    for await (const { position, text } of this.#options.read(1)) {
      for (const id of possibleIds(text)) ids.index.add(id, position);
    }
    return ids;
  }
}
