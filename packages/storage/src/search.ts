import { compareBytes } from "./byte-order.ts";
import { marksOf, matches } from "./marks.ts";
import type { Filter, LogLine, Page } from "./store.ts";

/** How a search is paged. */
export interface SearchOptions {
  readonly limit: number;
  readonly cursor?: string;
  readonly offset?: number;
  readonly newestFirst?: boolean;
}

interface Found {
  readonly at: bigint | undefined;
  readonly id: string;
  readonly position: number;
  readonly text: string;
}

type Place = Pick<Found, "at" | "id" | "position">;

/**
 * Finds a page of lines by reading all of them; keeps no more of them than the page and what it skips.
 *
 * @returns The page, in order of time, id and position, and the position of the last line that was looked at.
 * @throws {RangeError} For a `limit`, `offset` or `cursor` that cannot be.
 */
export async function searchLines(
  lines: AsyncIterable<LogLine> | Iterable<LogLine>,
  filter: Filter,
  options: SearchOptions,
): Promise<Page<LogLine> & { readonly asOf: number }> {
  const { limit, offset = 0, newestFirst = false } = options;
  if (!Number.isSafeInteger(limit) || limit < 1)
    throw new RangeError(`limit is a whole number from 1, not ${limit}`);
  if (!Number.isSafeInteger(offset) || offset < 0)
    throw new RangeError(`offset is a whole number from 0, not ${offset}`);
  const after = options.cursor === undefined ? undefined : decodeCursor(options.cursor);
  const order = newestFirst ? (a: Place, b: Place) => comparePlaces(b, a) : comparePlaces;
  const wanted = offset + limit + 1; // one more tells whether there is another page
  const best = new Smallest<Found>(wanted, order);
  let asOf = 0;
  for await (const { position, text } of lines) {
    asOf = position;
    const marks = marksOf(text);
    if (!matches(marks, filter)) continue;
    const found = { at: marks.at, id: marks.id ?? "", position, text };
    if (after === undefined || order(found, after) > 0) best.add(found);
  }
  const sorted = best.sorted();
  const page = sorted.slice(offset, offset + limit);
  const last = page.at(-1);
  const items = page.map(({ position, text }) => ({ position, text }));
  return sorted.length > offset + limit && last !== undefined
    ? { items, cursor: encodeCursor(last), asOf }
    : { items, asOf };
}

/** Counts the lines that match, and says the position of the last one that was looked at. */
export async function countLines(
  lines: AsyncIterable<LogLine> | Iterable<LogLine>,
  filter: Filter,
): Promise<{ readonly count: number; readonly asOf: number }> {
  let count = 0;
  let asOf = 0;
  for await (const { position, text } of lines) {
    asOf = position;
    if (matches(marksOf(text), filter)) count += 1;
  }
  return { count, asOf };
}

function comparePlaces(a: Place, b: Place): number {
  if (a.at !== b.at) {
    if (a.at === undefined) return -1;
    if (b.at === undefined) return 1;
    return a.at < b.at ? -1 : 1;
  }
  return compareBytes(a.id, b.id) || a.position - b.position;
}

function encodeCursor({ at, id, position }: Place): string {
  return Buffer.from(JSON.stringify([at === undefined ? null : String(at), id, position])).toString(
    "base64url",
  );
}

function decodeCursor(cursor: string): Place {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString());
    if (Array.isArray(value)) {
      const [at, id, position] = value as unknown[];
      if (
        typeof id === "string" &&
        Number.isSafeInteger(position) &&
        (at === null || typeof at === "string")
      ) {
        return { at: at === null ? undefined : BigInt(at), id, position: position as number };
      }
    }
  } catch {
    // falls through to the one message
  }
  throw new RangeError(`Not a cursor of a search: ${JSON.stringify(cursor.slice(0, 100))}`);
}

/** Keeps the smallest so many of what is added: a heap with the largest on top. */
class Smallest<T> {
  readonly #capacity: number;
  readonly #order: (a: T, b: T) => number;
  readonly #heap: T[] = [];

  constructor(capacity: number, order: (a: T, b: T) => number) {
    this.#capacity = capacity;
    this.#order = order;
  }

  add(item: T): void {
    const heap = this.#heap;
    if (heap.length < this.#capacity) {
      heap.push(item);
      this.#up(heap.length - 1);
    } else if (this.#order(item, heap[0] as T) < 0) {
      heap[0] = item;
      this.#down();
    }
  }

  sorted(): T[] {
    return this.#heap.toSorted(this.#order);
  }

  #up(start: number): void {
    const heap = this.#heap;
    for (let child = start; child > 0; ) {
      const parent = (child - 1) >> 1;
      if (this.#order(heap[child] as T, heap[parent] as T) <= 0) return;
      this.#swap(child, parent);
      child = parent;
    }
  }

  #down(): void {
    const heap = this.#heap;
    for (let parent = 0; ; ) {
      let child = 2 * parent + 1;
      if (child >= heap.length) return;
      if (child + 1 < heap.length && this.#order(heap[child + 1] as T, heap[child] as T) > 0) child += 1;
      if (this.#order(heap[child] as T, heap[parent] as T) <= 0) return;
      this.#swap(child, parent);
      parent = child;
    }
  }

  #swap(a: number, b: number): void {
    const kept = this.#heap[a] as T;
    this.#heap[a] = this.#heap[b] as T;
    this.#heap[b] = kept;
  }
}
