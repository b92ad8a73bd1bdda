/** Places that are kept at most: beyond, every other one is dropped, and the next come half as often. */
const MAX_PLACES = 1_024;
const FIRST_STEP = 64 * 1024;

/** Where a line of a file starts. */
export interface LinePlace {
  /** From 1. */
  readonly line: number;
  /** In bytes. */
  readonly offset: number;
}

/**
 * Where some lines of a file start: one in so many bytes, more apart the longer the file is, so that finding a line reads a
 * thousandth of the file at most and this takes the same memory for every file.
 */
export class LinePlaces {
  #places: LinePlace[];
  #step: number;

  constructor(places: readonly LinePlace[] = [], step = FIRST_STEP) {
    this.#places = [...places];
    this.#step = step;
  }

  get all(): readonly LinePlace[] {
    return this.#places;
  }

  /** Bytes that lie between two of them at least. */
  get step(): number {
    return this.#step;
  }

  /** Takes note of the start of a line that comes after those before. */
  add(line: number, offset: number): void {
    const last = this.#places.at(-1);
    if (last !== undefined && offset < last.offset + this.#step) return;
    this.#places.push({ line, offset });
    if (this.#places.length <= MAX_PLACES) return;
    this.#places = this.#places.filter((_, index) => index % 2 === 0);
    this.#step *= 2;
  }

  /** The last place at or before a line; the start of the file where none is known. */
  before(line: number): LinePlace {
    return this.#find((place) => place.line <= line);
  }

  /** The last place at or before an offset. */
  beforeOffset(offset: number): LinePlace {
    return this.#find((place) => place.offset <= offset);
  }

  #find(isBefore: (place: LinePlace) => boolean): LinePlace {
    let low = 0;
    let high = this.#places.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const place = this.#places[middle];
      if (place !== undefined && isBefore(place)) low = middle + 1;
      else high = middle;
    }
    return this.#places[low - 1] ?? { line: 1, offset: 0 };
  }
}
