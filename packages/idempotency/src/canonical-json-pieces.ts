import { type CanonicalJsonOptions, canonicalJson } from "./canonical-json.ts";
import { canonicalJsonCarefully } from "./careful-canonical-json.ts";
import { CanonicalJsonError } from "./errors.ts";
import { isObject, oddKindOf, type PlainObject } from "./plain-object.ts";

/** How much of a value is written in one go, roughly in characters of its text. */
const PART_WEIGHT = 256 * 1024;
/** Values are cut into parts down to this depth; what lies deeper is written whole. */
const MAX_CUTS = 100;
/** Weighing goes that much deeper than where it begins; what is deeper counts as heavy. */
const MAX_WEIGHED_DEPTH = 200;
const HEAVY = Number.POSITIVE_INFINITY;

/** Options of {@link canonicalJsonPieces}. */
export interface CanonicalJsonPiecesOptions extends CanonicalJsonOptions {
  /**
   * Writes `-0` with its sign, which RFC 8785 drops: what is read back is the very value, and where a `-0` stands the text is no longer canonical.
   * For keeping a value, not for hashing it. Default false.
   */
  readonly keepNegativeZero?: boolean;
}

/** Gives the text of a part. */
type WritePart = (value: unknown) => string;

/**
 * The canonical JSON of a value in pieces: joined they are the text of {@link canonicalJson}, to the character. For values whose text is
 * too long to be held in one piece, or that is hashed or written as it is made; only the pieces need memory, and not a sorted copy of the value.
 *
 * @param value - A plain JSON value; it must not change until the last piece was taken.
 * @param options - `root`: what errors call the value itself, default nothing. `keepNegativeZero`: default false.
 * @returns Pieces of some 256 KiB; a text in the value is never cut, so one can be longer. What cannot be written is found when its piece is
 *   taken: pieces before it may have been given by then.
 * @throws {CanonicalJsonError} As `canonicalJson`, with the place in the value; `CANONICAL_TOO_LARGE` only for a single part that is.
 * @see {@link https://www.rfc-editor.org/rfc/rfc8785 | RFC 8785}
 */
export function* canonicalJsonPieces(
  value: unknown,
  options: CanonicalJsonPiecesOptions = {},
): Generator<string, void, undefined> {
  const write = options.keepNegativeZero === true ? exactJson : canonicalJson;
  let piece = "";
  try {
    for (const part of partsOf(value, write, 0, new Set())) {
      piece += part;
      if (piece.length < PART_WEIGHT) continue;
      yield piece;
      piece = "";
    }
  } catch (error) {
    if (!(error instanceof CanonicalJsonError)) throw error;
    // What is wrong is known, where it is only to who goes through the value from its beginning.
    canonicalJsonCarefully(value, options.root ?? "");
    throw error;
  }
  yield piece;
}

function* partsOf(value: unknown, write: WritePart, depth: number, above: Set<object>): Generator<string> {
  if (typeof value !== "object" || value === null || depth >= MAX_CUTS || weightOf(value, 0) <= PART_WEIGHT) {
    yield write(value);
    return;
  }
  if (above.has(value) || oddKindOf(value) !== undefined) {
    yield canonicalJson(value); // refuses it
    return;
  }
  above.add(value);
  yield* isObject(value)
    ? partsOfObject(value, write, depth, above)
    : partsOfList(value, write, depth, above);
  above.delete(value);
}

function* partsOfList(list: unknown, write: WritePart, depth: number, above: Set<object>): Generator<string> {
  if (!Array.isArray(list)) return;
  yield "[";
  for (let from = 0; from < list.length; ) {
    if (from > 0) yield ",";
    let to = from;
    for (let weight = 0; to < list.length; to += 1) {
      weight += weightOf(list[to], 0);
      if (weight > PART_WEIGHT) break;
    }
    if (to > from) {
      yield write(list.slice(from, to)).slice(1, -1);
      from = to;
    } else {
      yield* partsOf(list[from], write, depth + 1, above);
      from += 1;
    }
  }
  yield "]";
}

function* partsOfObject(
  object: PlainObject,
  write: WritePart,
  depth: number,
  above: Set<object>,
): Generator<string> {
  // A property named by a symbol, which has no place among the names.
  if (Object.getOwnPropertySymbols(object).length > 0) canonicalJson(object);
  const keys = Object.keys(object).toSorted(byCodeUnits);
  yield "{";
  for (let from = 0; from < keys.length; ) {
    if (from > 0) yield ",";
    let to = from;
    for (let weight = 0; to < keys.length; to += 1) {
      const key = keys[to]!;
      // Names that are numbers would not keep their place in an object.
      if (key.charCodeAt(0) <= 57 || key === "__proto__") break;
      weight += key.length + weightOf(object[key], 0);
      if (weight > PART_WEIGHT) break;
    }
    if (to > from) {
      const part: Record<string, unknown> = {};
      for (const key of keys.slice(from, to)) part[key] = object[key];
      yield write(part).slice(1, -1);
      from = to;
    } else {
      const key = keys[from]!;
      yield `${canonicalJson(key)}:`;
      yield* partsOf(object[key], write, depth + 1, above);
      from += 1;
    }
  }
  yield "}";
}

/** Roughly the length of a value's text; {@link HEAVY} when it is more than one part. Only an estimate: nothing but the cutting depends on it. */
function weightOf(value: unknown, depth: number): number {
  if (typeof value === "string") return value.length + 3;
  if (typeof value !== "object" || value === null) return 8;
  if (depth > MAX_WEIGHED_DEPTH) return HEAVY;
  let weight = 2;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i += 1) {
      weight += weightOf(value[i], depth + 1);
      if (weight > PART_WEIGHT) return HEAVY;
    }
  } else if (isObject(value)) {
    // Faster than Object.keys(), which would make a list; names that are inherited only make the parts smaller.
    for (const key in value) {
      weight += key.length + 4 + weightOf(value[key], depth + 1);
      if (weight > PART_WEIGHT) return HEAVY;
    }
  }
  return weight;
}

/** Canonical, but for the sign of zeros, and for the order of names beside one. */
function exactJson(value: unknown): string {
  const text = canonicalJson(value);
  return holdsNegativeZero(value) ? JSON.stringify(value, keepSign) : text;
}

/** Only for what was written once: no cycles, no depth that is out of reach. */
function holdsNegativeZero(root: unknown): boolean {
  const open = [root];
  while (open.length > 0) {
    const value = open.pop();
    if (Object.is(value, -0)) return true;
    if (typeof value === "object" && value !== null) for (const part of Object.values(value)) open.push(part);
  }
  return false;
}

function keepSign(_name: string, value: unknown): unknown {
  return Object.is(value, -0) ? rawJson("-0") : value;
}

function rawJson(text: string): unknown {
  // In Node since 21; not yet in the type library this project compiles against.
  const json: object & { readonly rawJSON?: (text: string) => unknown } = JSON;
  return json.rawJSON?.(text);
}

function byCodeUnits(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
