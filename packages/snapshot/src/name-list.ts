const PIECE_NAMES = 1024;

/**
 * A long list of names in few texts: each of some thousand names with a slash, which no name holds, between them. A list
 * of as many strings would cost three times the memory, and the collector would copy each of them twice.
 */
export class NameList {
  /** Of the names in a piece: where each ends. */
  ends: Uint32Array = new Uint32Array(64);
  readonly pieces: string[] = [];
  #length = 0;
  #tail: string[] = [];
  #tailEnd = 0;

  /** A list as `ends` and `allPieces()` give it; `undefined` when the two do not belong together. */
  static from(ends: Uint32Array, pieces: readonly string[]): NameList | undefined {
    const list = new NameList();
    list.ends = ends;
    list.#length = ends.length;
    list.pieces.push(...pieces);
    if (pieces.length !== Math.ceil(ends.length / PIECE_NAMES)) return undefined;
    for (const [index, piece] of pieces.entries()) {
      if (ends[Math.min((index + 1) * PIECE_NAMES, ends.length) - 1] !== piece.length) return undefined;
    }
    return list;
  }

  get length(): number {
    return this.#length;
  }

  push(name: string): void {
    if (this.#length >= this.ends.length) {
      const longer = new Uint32Array(this.ends.length * 2);
      longer.set(this.ends);
      this.ends = longer;
    }
    this.#tailEnd += name.length + (this.#tail.length === 0 ? 0 : 1);
    this.ends[this.#length++] = this.#tailEnd;
    this.#tail.push(name);
    if (this.#tail.length < PIECE_NAMES) return;
    this.pieces.push(this.#tail.join("/"));
    this.#tail = [];
    this.#tailEnd = 0;
  }

  at(index: number): string {
    const place = index % PIECE_NAMES;
    const piece = this.pieces[(index - place) / PIECE_NAMES];
    if (piece === undefined) return this.#tail[place] ?? "";
    return piece.slice(place === 0 ? 0 : (this.ends[index - 1] ?? 0) + 1, this.ends[index]);
  }

  /** The pieces, with what is not yet one. */
  allPieces(): readonly string[] {
    return this.#tail.length === 0 ? this.pieces : [...this.pieces, this.#tail.join("/")];
  }
}
