/** The first and the last of texts, in the order of JavaScript; most of them are given as bytes of ASCII, and are never made texts. */
export class TextRange {
  readonly #least = new Bound(-1);
  readonly #greatest = new Bound(1);

  addPlain(bytes: Buffer, start: number, end: number): void {
    this.#greatest.addPlain(bytes, start, end);
    this.#least.addPlain(bytes, start, end);
  }

  addText(text: string): void {
    this.#greatest.addText(text);
    this.#least.addText(text);
  }

  /** Both; `undefined` when there is none. */
  bounds(): readonly [string, string] | undefined {
    const [least, greatest] = [this.#least.text(), this.#greatest.text()];
    return least === undefined || greatest === undefined ? undefined : [least, greatest];
  }

  clear(): void {
    this.#least.clear();
    this.#greatest.clear();
  }
}

/** The text that goes furthest: `sign` 1: the greatest, -1: the least. */
class Bound {
  readonly #sign: 1 | -1;
  #bytes: Buffer = Buffer.alloc(64);
  /** Bytes of it; -1: there is none, or it is a text. */
  #length = -1;
  #text: string | undefined;

  constructor(sign: 1 | -1) {
    this.#sign = sign;
  }

  addPlain(bytes: Buffer, start: number, end: number): void {
    if (this.#text !== undefined) {
      this.addText(bytes.toString("latin1", start, end));
      return;
    }
    if (this.#length !== -1 && this.#compare(bytes, start, end) * this.#sign <= 0) return;
    const length = end - start;
    if (length > this.#bytes.length) this.#bytes = Buffer.alloc(length * 2);
    for (let at = 0; at < length; at += 1) this.#bytes[at] = bytes[start + at] ?? 0;
    this.#length = length;
  }

  addText(text: string): void {
    const known = this.text();
    if (known !== undefined && (this.#sign === 1 ? text <= known : text >= known)) return;
    this.#text = text;
    this.#length = -1;
  }

  text(): string | undefined {
    return this.#length === -1 ? this.#text : this.#bytes.toString("latin1", 0, this.#length);
  }

  clear(): void {
    this.#length = -1;
    this.#text = undefined;
  }

  #compare(bytes: Buffer, start: number, end: number): number {
    const length = Math.min(this.#length, end - start);
    for (let at = 0; at < length; at += 1) {
      const difference = (bytes[start + at] ?? 0) - (this.#bytes[at] ?? 0);
      if (difference !== 0) return difference;
    }
    return end - start - this.#length;
  }
}
