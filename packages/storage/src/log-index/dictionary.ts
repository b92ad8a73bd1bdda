import { standsAt } from "./json-bytes.ts";
import { hashOfPlain } from "./segment.ts";

/** Texts that are known by their bytes: when there are more, they do not occur again and again. */
const MOST_PLAIN = 4_096;

/** A text of ASCII, and its code. */
interface PlainText {
  readonly bytes: Buffer;
  readonly code: number;
}

/** Texts that occur again and again, as numbers from 1. */
export class Dictionary {
  readonly #codes = new Map<string, number>();
  readonly #texts: string[] = [];
  /** By the hash of their bytes. */
  readonly #plain = new Map<number, PlainText>();

  /** How many there are: the highest code. */
  get size(): number {
    return this.#texts.length;
  }

  /** The code of a text, a new one if need be; 0 for none. */
  codeOf(text: string | undefined): number {
    if (text === undefined) return 0;
    const known = this.#codes.get(text);
    if (known !== undefined) return known;
    this.#texts.push(text);
    this.#codes.set(text, this.#texts.length);
    return this.#texts.length;
  }

  /** {@link codeOf} a text that stands in some bytes, all of them ASCII; a known one is not made again to look it up. */
  codeOfPlain(bytes: Buffer, start: number, end: number): number {
    const hash = hashOfPlain(bytes, start, end) | 0; // a small integer: a larger number would be an object
    const known = this.#plain.get(hash);
    if (known !== undefined && known.bytes.length === end - start && standsAt(bytes, start, known.bytes))
      return known.code;
    const code = this.codeOf(bytes.toString("latin1", start, end));
    if (this.#plain.size >= MOST_PLAIN) this.#plain.clear();
    this.#plain.set(hash, { bytes: Buffer.from(bytes.subarray(start, end)), code });
    return code;
  }

  /** The code of a text that may not be there. */
  find(text: string): number | undefined {
    return this.#codes.get(text);
  }

  /** The texts from a code on. */
  from(code: number): readonly string[] {
    return this.#texts.slice(code - 1);
  }
}
