import { compareBytes } from "./byte-order.ts";
import type { LineFormat } from "./log-path.ts";
import { matches, objectMarks, withoutMark } from "./marks.ts";
import type { Filter, FindOptions, LogLine, Marks, Page, SearchedLog } from "./store.ts";

/** A line to look at; without a text when its bytes are none. */
export interface SearchedLine {
  readonly position: number;
  readonly text: string | undefined;
}

interface Found {
  readonly at: bigint | undefined;
  readonly id: string;
  readonly position: number;
  readonly text: string;
}

/** Where a line is in the order of a search. */
export type FoundPlace = Pick<Found, "at" | "id" | "position">;

/**
 * Finds a page of lines by reading all of them; keeps no more of them than the page and what it skips.
 *
 * @returns The page, in order of time, id and position, and the position of the last line that was looked at.
 * @throws {RangeError} For a `limit`, `offset` or `cursor` that cannot be.
 */
export async function searchLines(
  lines: AsyncIterable<SearchedLine>,
  filter: Filter,
  options: FindOptions,
  format: LineFormat = "json",
): Promise<Page<LogLine> & SearchedLog> {
  checkFindOptions(options);
  const { limit, offset = 0, newestFirst = false } = options;
  const after = options.cursor === undefined ? undefined : decodeCursor(options.cursor);
  const order = newestFirst ? (a: FoundPlace, b: FoundPlace) => comparePlaces(b, a) : comparePlaces;
  const wanted = offset + limit + 1; // one more tells whether there is another page
  const best = new Smallest<Found>(wanted, order);
  let asOf = 0;
  let damaged = 0;
  for await (const { position, text } of lines) {
    asOf = position;
    const marks = marksIn(text, format);
    if (text === undefined || marks === undefined) {
      damaged += 1;
      continue;
    }
    if (!matches(marks, filter)) continue;
    const found = { at: marks.at, id: marks.id ?? "", position, text: withoutMark(text) };
    if (after === undefined || order(found, after) > 0) best.add(found);
  }
  const sorted = best.sorted();
  const page = sorted.slice(offset, offset + limit);
  const last = page.at(-1);
  const items = page.map(({ position, text }) => ({ position, text }));
  return sorted.length > offset + limit && last !== undefined
    ? { items, cursor: encodeCursor(last), asOf, damaged }
    : { items, asOf, damaged };
}

/** Counts the lines that match, and says the position of the last one that was looked at. */
export async function countLines(
  lines: AsyncIterable<SearchedLine>,
  filter: Filter,
  format: LineFormat = "json",
): Promise<{ readonly count: number } & SearchedLog> {
  let count = 0;
  let asOf = 0;
  let damaged = 0;
  for await (const { position, text } of lines) {
    asOf = position;
    const marks = marksIn(text, format);
    if (marks === undefined) damaged += 1;
    else if (matches(marks, filter)) count += 1;
  }
  return { count, asOf, damaged };
}

/** @throws {RangeError} For a `limit`, `offset` or `cursor` that cannot be. */
export function checkFindOptions({ limit, offset = 0, cursor }: FindOptions): void {
  if (cursor !== undefined) decodeCursor(cursor);
  if (!Number.isSafeInteger(limit) || limit < 1)
    throw new RangeError(`limit is a whole number from 1, not ${limit}`);
  if (!Number.isSafeInteger(offset) || offset < 0)
    throw new RangeError(`offset is a whole number from 0, not ${offset}`);
}

/** The marks of a line; `undefined` when it is damaged. In a log of plain text nothing is. */
function marksIn(text: string | undefined, format: LineFormat): Marks | undefined {
  if (text === undefined) return undefined;
  return objectMarks(text) ?? (format === "text" ? {} : undefined);
}

/** The order of a search: by time, id and position. */
export function comparePlaces(a: FoundPlace, b: FoundPlace): number {
  if (a.at !== b.at) {
    if (a.at === undefined) return -1;
    if (b.at === undefined) return 1;
    return a.at < b.at ? -1 : 1;
  }
  return compareBytes(a.id, b.id) || a.position - b.position;
}

/** The cursor of a page that ends at a line. */
export function encodeCursor({ at, id, position }: FoundPlace): string {
  return Buffer.from(JSON.stringify([at === undefined ? null : String(at), id, position])).toString(
    "base64url",
  );
}

/** @throws {RangeError} For a text that is no cursor. */
export function decodeCursor(cursor: string): FoundPlace {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString());
    if (Array.isArray(value)) {
      const [at, id, position]: unknown[] = value;
      if (typeof id === "string" && typeof position === "number" && (at === null || typeof at === "string")) {
        return { at: at === null ? undefined : BigInt(at), id, position };
      }
    }
  } catch {
    // falls through to the one message
  }
  throw new RangeError(`Not a cursor of a search: ${JSON.stringify(cursor.slice(0, 100))}`);
}

/** Keeps the smallest so many of what is added, by throwing the rest away whenever there are twice as many. */
class Smallest<T> {
  readonly #capacity: number;
  readonly #order: (a: T, b: T) => number;
  #kept: T[] = [];
  #bound: T | undefined;

  constructor(capacity: number, order: (a: T, b: T) => number) {
    this.#capacity = capacity;
    this.#order = order;
  }

  add(item: T): void {
    if (this.#bound !== undefined && this.#order(item, this.#bound) >= 0) return;
    this.#kept.push(item);
    if (this.#kept.length < 2 * this.#capacity) return;
    this.#kept = this.sorted();
    this.#bound = this.#kept.at(-1);
  }

  sorted(): T[] {
    return this.#kept.toSorted(this.#order).slice(0, this.#capacity);
  }
}
