import type { Json } from "@holdfast/storage";
import { isJsonObject } from "./json.ts";

/** What becomes of the items of a list on the way to another. */
export interface ListMatch {
  /** Places in the first that go, rising. */
  readonly removed: readonly number[];
  /** Places in the first and in the second of items that stay, both rising. */
  readonly kept: readonly (readonly [from: number, to: number])[];
  /** Places in the second of items that come, rising: added in this order, each stands at once where it belongs. */
  readonly added: readonly number[];
}

/** Matches two lists by what their items are called, and where they are called nothing, or several the same, place by place. */
export function matchLists(a: readonly Json[], b: readonly Json[]): ListMatch {
  for (const name of ["id", "name"]) {
    const [before, after] = [placesBy(a, name), placesBy(b, name)];
    if (before !== undefined && after !== undefined && a.length > 0 && b.length > 0)
      return matchByPlaces(a.length, b.length, before, after);
  }
  return matchInPlace(a.length, b.length);
}

/** Where the items stand, by what they are called; `undefined` when one is called nothing, or as another. */
function placesBy(list: readonly Json[], name: string): ReadonlyMap<string, number> | undefined {
  const places = new Map<string, number>();
  for (const [index, item] of list.entries()) {
    const value = isJsonObject(item) && Object.hasOwn(item, name) ? item[name] : undefined;
    if (typeof value !== "string" && typeof value !== "number") return undefined;
    const called = typeof value === "string" ? `"${value}` : String(value);
    if (places.has(called)) return undefined;
    places.set(called, index);
  }
  return places;
}

function matchByPlaces(
  lengthA: number,
  lengthB: number,
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): ListMatch {
  // In the order of the first list: where the items stand in the second.
  const common: (readonly [from: number, to: number])[] = [];
  for (const [called, from] of before) {
    const to = after.get(called);
    if (to !== undefined) common.push([from, to]);
  }
  const kept = longestRising(common);
  const stays = new Set(kept.map(([from]) => from));
  const isThere = new Set(kept.map(([, to]) => to));
  return { kept, removed: numbersWithout(lengthA, stays), added: numbersWithout(lengthB, isThere) };
}

function matchInPlace(lengthA: number, lengthB: number): ListMatch {
  const shorter = Math.min(lengthA, lengthB);
  return {
    kept: Array.from({ length: shorter }, (_, index) => [index, index] as const),
    removed: Array.from({ length: lengthA - shorter }, (_, index) => shorter + index),
    added: Array.from({ length: lengthB - shorter }, (_, index) => shorter + index),
  };
}

function numbersWithout(length: number, numbers: ReadonlySet<number>): number[] {
  return Array.from({ length }, (_, index) => index).filter((index) => !numbers.has(index));
}

/** The most pairs whose second number rises: the items that can stay while the others go around them. In n log n steps. */
function longestRising(
  pairs: readonly (readonly [number, number])[],
): readonly (readonly [from: number, to: number])[] {
  // ends[k]: the pair with the smallest second number that k + 1 rising pairs can end in; previous: the pair before it.
  const ends: number[] = [];
  const previous: number[] = [];
  for (const [index, [, to]] of pairs.entries()) {
    let low = 0;
    for (let high = ends.length; low < high; ) {
      const middle = (low + high) >>> 1;
      if ((pairs[ends[middle] ?? 0]?.[1] ?? 0) < to) low = middle + 1;
      else high = middle;
    }
    previous[index] = low === 0 ? -1 : (ends[low - 1] ?? -1);
    ends[low] = index;
  }
  const rising: (readonly [number, number])[] = [];
  for (let at = ends.at(-1) ?? -1; at >= 0; at = previous[at] ?? -1) {
    const pair = pairs[at];
    if (pair !== undefined) rising.push(pair);
  }
  return rising.toReversed();
}
