/** Texts that occur again and again, as numbers from 1. */
export class Dictionary {
  readonly #codes = new Map<string, number>();
  readonly #texts: string[] = [];

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

  /** The code of a text that may not be there. */
  find(text: string): number | undefined {
    return this.#codes.get(text);
  }

  /** The texts from a code on. */
  from(code: number): readonly string[] {
    return this.#texts.slice(code - 1);
  }
}
