import { type LinePlace, LinePlaces } from "./line-places.ts";
import type { LogStart } from "./log-options.ts";

/** How far the lines of a log's current file go, and where some of them start: a read from a position need not start at the top. */
export class LineIndex {
  /** Records in the rotated files. */
  before: number;
  /** Lines of the current file. */
  lines: number;
  /** Bytes of the current file. */
  size: number;
  #places: LinePlaces;

  constructor(before: number, lines: number, size: number, places: LinePlaces) {
    this.before = before;
    this.lines = lines;
    this.size = size;
    this.#places = places;
  }

  get position(): number {
    return this.before + this.lines;
  }

  get places(): LinePlaces {
    return this.#places;
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
    this.lines++;
    this.#places.add(this.lines, this.size);
    this.size += length + 1;
  }

  /** The current file was put aside; an empty one takes its place. */
  rotate(): void {
    this.before += this.lines;
    this.lines = 0;
    this.size = 0;
    this.#places = new LinePlaces();
  }

  seek(path: string, inode: bigint, position: number): LogStart | undefined {
    const line = position - this.before;
    return line < 1 ? undefined : startAt(path, inode, this.before, this.#places.before(line));
  }
}

/** A place in a file as a place in the whole log. */
export function startAt(path: string, inode: bigint, before: number, { line, offset }: LinePlace): LogStart {
  return { path, inode, position: before + line, line, offset };
}
