import type { LogStart, LogText } from "@holdfast/ndjson";

const EVERY = 1_024;
const MAX_LOGS = 1_000;
const MAX_PLACES = 512;

/** Remembers where some lines of logs start, as they are read, so that a later read from the middle need not start at the top. */
export class LogPlaces {
  readonly #places = new Map<string, LogStart[]>();

  /** Takes note of a line that was read: of the first one, and of one in a thousand. */
  note(key: string, line: LogText): void {
    const places = this.#places.get(key) ?? [];
    const last = places.at(-1);
    if (last !== undefined && line.position <= last.position) return;
    if (last !== undefined && last.inode === line.inode && line.position < last.position + EVERY) return;
    const { position, offset, path, inode } = line;
    places.push({ position, offset, path, line: line.line, inode });
    this.#places.delete(key); // the most recent at the end
    // Of a long log fewer: the first of each file, and every other one of the rest.
    const kept =
      places.length <= MAX_PLACES
        ? places
        : places.filter((place, index) => index % 2 === 0 || place.inode !== places[index - 1]?.inode);
    this.#places.set(key, kept);
    if (this.#places.size <= MAX_LOGS) return;
    const [oldest] = this.#places.keys();
    if (oldest !== undefined) this.#places.delete(oldest);
  }

  /** The last known place at or before a position. */
  before(key: string, position: number): LogStart | undefined {
    return this.#places.get(key)?.findLast((place) => place.position <= position);
  }
}
