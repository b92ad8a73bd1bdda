/** An array of numbers of one size. */
type Numbers = Float64Array | Int32Array | Uint32Array | Uint16Array;

const FIRST_LENGTH = 64;

/**
 * Numbers that are added one after the other. They take no more than their bytes, and clearing keeps the room: an index of a long log grows
 * through thousands of segments without leaving the collector anything.
 */
export class NumberColumn<A extends Numbers> {
  readonly #make: new (
    length: number,
  ) => A;
  #kept: A;
  #length = 0;

  constructor(make: new (length: number) => A) {
    this.#make = make;
    this.#kept = new make(FIRST_LENGTH);
  }

  get length(): number {
    return this.#length;
  }

  push(value: number): void {
    if (this.#length === this.#kept.length) {
      const grown = new this.#make(this.#length * 2);
      grown.set(this.#kept);
      this.#kept = grown;
    }
    this.#kept[this.#length] = value;
    this.#length += 1;
  }

  /** The number at a place; `undefined` beyond the last. */
  at(index: number): number | undefined {
    return index < this.#length ? this.#kept[index] : undefined;
  }

  /** A view of all of them, until the next one is added. */
  values(): A {
    return this.#kept.subarray(0, this.#length) as A;
  }

  clear(): void {
    this.#length = 0;
  }
}
