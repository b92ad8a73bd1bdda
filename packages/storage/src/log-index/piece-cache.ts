/** Keeps what was read last, up to a number of bytes. */
export class PieceCache {
  readonly #maxBytes: number;
  readonly #pieces = new Map<string, { readonly value: unknown; readonly bytes: number }>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** What is kept under a name, or what `make` makes. */
  get<T>(name: string, make: () => { readonly value: T; readonly bytes: number }): T {
    const known = this.#pieces.get(name);
    if (known !== undefined) {
      this.#pieces.delete(name); // the most recent at the end
      this.#pieces.set(name, known);
      return known.value as T;
    }
    const made = make();
    this.#pieces.set(name, made);
    this.#bytes += made.bytes;
    for (const [oldest, { bytes }] of this.#pieces) {
      if (this.#bytes <= this.#maxBytes || oldest === name) break;
      this.#pieces.delete(oldest);
      this.#bytes -= bytes;
    }
    return made.value;
  }
}
