import { compareBytes } from "../byte-order.ts";
import { NumberColumn } from "./number-column.ts";

/** Longer ids are kept as texts: all others together stay small. */
const MAX_PLAIN = 1_024;

/** Ids of records in the order in which they came; those of plain ASCII are bytes in one piece of memory, and no objects. */
export class IdColumn {
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(16 * 1024);
  readonly #ends = new NumberColumn(Uint32Array);
  /** Those that are not plain, by their place. */
  readonly #texts = new Map<number, string>();

  /** Adds an id that stands in some bytes, all of them ASCII. */
  addPlain(bytes: Buffer, start: number, end: number): void {
    const length = end - start;
    if (length > MAX_PLAIN) {
      this.addText(bytes.toString("latin1", start, end));
      return;
    }
    const used = this.#used;
    if (this.#bytes.length - used < length) this.#grow();
    const kept = this.#bytes;
    for (let at = 0; at < length; at += 1) kept[used + at] = bytes[start + at] ?? 0;
    this.#ends.push(used + length);
  }

  addText(text: string): void {
    if (text !== "") this.#texts.set(this.#ends.length, text);
    this.#ends.push(this.#used);
  }

  /** Compares two ids as `compareBytes()` does. */
  compare(a: number, b: number): number {
    if (this.#texts.has(a) || this.#texts.has(b)) return compareBytes(this.#text(a), this.#text(b));
    const bytes = this.#bytes;
    const [startA, startB] = [this.#start(a), this.#start(b)];
    const [lengthA, lengthB] = [this.#end(a) - startA, this.#end(b) - startB];
    const length = Math.min(lengthA, lengthB);
    for (let at = 0; at < length; at += 1) {
      const difference = (bytes[startA + at] ?? 0) - (bytes[startB + at] ?? 0);
      if (difference !== 0) return difference;
    }
    return lengthA - lengthB;
  }

  /** Forgets all, and keeps the room. */
  clear(): void {
    this.#ends.clear();
    this.#texts.clear();
  }

  get #used(): number {
    return this.#end(this.#ends.length - 1);
  }

  #start(index: number): number {
    return this.#end(index - 1);
  }

  #end(index: number): number {
    return this.#ends.at(index) ?? 0;
  }

  #text(index: number): string {
    return (
      this.#texts.get(index) ??
      Buffer.from(this.#bytes.buffer).toString("latin1", this.#start(index), this.#end(index))
    );
  }

  #grow(): void {
    const grown = new Uint8Array(this.#bytes.length * 2);
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}
