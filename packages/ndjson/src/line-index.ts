import type { LogStart } from "./log-options.ts";

/** Where the lines of a log's current file start: every n-th one, so that a read from a position need not start at the top. */
export class LineIndex {
  readonly #every: number;
  /** Records in the rotated files. */
  before: number;
  /** Lines of the current file. */
  lines: number;
  /** Bytes of the current file. */
  size: number;
  #offsets: number[];

  constructor(every: number, before: number, lines: number, size: number, offsets: readonly number[]) {
    this.#every = every;
    this.before = before;
    this.lines = lines;
    this.size = size;
    this.#offsets = [...offsets];
  }

  get position(): number {
    return this.before + this.lines;
  }

  /** Takes note of lines that start at the present end: one of `length` bytes, or several of `lengths`; newlines not counted. */
  add(length: number, lengths: readonly number[] | undefined): void {
    if (lengths === undefined) {
      this.#addLine(length);
      return;
    }
    for (const each of lengths) this.#addLine(each);
  }

  #addLine(length: number): void {
    if (this.lines % this.#every === 0) this.#offsets.push(this.size);
    this.lines++;
    this.size += length + 1;
  }

  /** The current file was put aside; an empty one takes its place. */
  rotate(): void {
    this.before += this.lines;
    this.lines = 0;
    this.size = 0;
    this.#offsets = [];
  }

  seek(path: string, inode: bigint, position: number): LogStart | undefined {
    const line = position - this.before;
    if (line < 1) return undefined;
    const slot = Math.min(Math.floor((line - 1) / this.#every), this.#offsets.length - 1);
    const offset = this.#offsets[slot];
    if (offset === undefined) return { path, inode, position: this.before + 1, line: 1, offset: 0 };
    const start = slot * this.#every;
    return { path, inode, position: this.before + start + 1, line: start + 1, offset };
  }
}
