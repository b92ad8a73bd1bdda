import type { Filter } from "../store.ts";
import type { Segment } from "./segment.ts";
import { countIn, type SegmentFilter } from "./segment-search.ts";

const MAX_FILTERS = 32;

/** Counts what matches in a segment. */
export type CountSegment = (segment: Segment, filter: SegmentFilter) => number;

/**
 * Remembers how many records of sealed segments match the filters that were asked last: a page and its total, or the next page, are
 * asked for one after the other.
 */
export class CountCache {
  readonly #filters = new Map<string, WeakMap<Segment, number>>();

  /** Counts for one filter. */
  of(filter: Filter): CountSegment {
    const name = JSON.stringify(filter, (_key, value: unknown) => {
      if (typeof value === "number") return `n${value}`; // Infinity is no null
      return typeof value === "bigint" ? `b${value}` : value;
    });
    const known = this.#filters.get(name) ?? new WeakMap<Segment, number>();
    this.#filters.delete(name); // the most recent at the end
    this.#filters.set(name, known);
    const [oldest] = this.#filters.keys();
    if (this.#filters.size > MAX_FILTERS && oldest !== undefined) this.#filters.delete(oldest);
    return (segment, wanted) => {
      let count = known.get(segment);
      if (count === undefined) {
        count = countIn(segment, wanted);
        if (segment.isSealed) known.set(segment, count);
      }
      return count;
    };
  }
}
