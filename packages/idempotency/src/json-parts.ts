import { isObject, oddKindOf, type PlainObject } from "./plain-object.ts";

/** How much of a value is written in one go, roughly in characters of its text: longer ones would be set apart by the engine, and given back late. */
export const PART_LENGTH = 64 * 1024;
/** Values are cut into parts down to this depth; what lies deeper is written whole. */
const MAX_CUTS = 100;
/** Weighing goes that much deeper than where it begins; what is deeper counts as heavy. */
const MAX_WEIGHED_DEPTH = 200;
const HEAVY = Number.POSITIVE_INFINITY;

/** How parts become text. */
export interface PartWriter {
  /** The JSON of a part, without spaces; refuses what JSON cannot hold. */
  readonly write: (part: unknown) => string;
  /** The names of an object, in the order they are to be written in. */
  readonly namesOf: (object: object) => readonly string[];
}

/** The JSON of a value in parts, cut at the items of its long lists and the members of its large objects. */
export function* partsOf(value: unknown, writer: PartWriter): Generator<string> {
  yield* cut(value, writer, 0, new Set());
}

function* cut(value: unknown, writer: PartWriter, depth: number, above: Set<object>): Generator<string> {
  const isWhole =
    typeof value !== "object" ||
    value === null ||
    depth >= MAX_CUTS ||
    weightOf(value, 0) <= PART_LENGTH ||
    // Refused by who writes them.
    above.has(value) ||
    oddKindOf(value) !== undefined ||
    (isObject(value) && Object.getOwnPropertySymbols(value).length > 0);
  if (isWhole) {
    yield writer.write(value);
    return;
  }
  above.add(value);
  yield* isObject(value) ? cutObject(value, writer, depth, above) : cutList(value, writer, depth, above);
  above.delete(value);
}

function* cutList(list: unknown, writer: PartWriter, depth: number, above: Set<object>): Generator<string> {
  if (!Array.isArray(list)) return;
  yield "[";
  for (let from = 0; from < list.length; ) {
    let to = from;
    for (let weight = 0; to < list.length; to += 1) {
      weight += weightOf(list[to], 0);
      if (weight > PART_LENGTH) break;
    }
    if (to === from) {
      if (from > 0) yield ",";
      yield* cut(list[from], writer, depth + 1, above);
      from += 1;
      continue;
    }
    const items: unknown[] = list.slice(from, to);
    // The comma before a part is that of a number in front of it: one that is put there later would cost a copy of the text.
    yield from > 0 ? writer.write([0, ...items]).slice("[0".length, -1) : writer.write(items).slice(1, -1);
    from = to;
  }
  yield "]";
}

function* cutObject(
  object: PlainObject,
  writer: PartWriter,
  depth: number,
  above: Set<object>,
): Generator<string> {
  const names = writer.namesOf(object);
  yield "{";
  for (let from = 0; from < names.length; ) {
    if (from > 0) yield ",";
    let to = from;
    for (let weight = 0; to < names.length; to += 1) {
      const name = names[to] ?? "";
      // An assignment would take it for something else.
      if (name === "__proto__") break;
      weight += name.length + weightOf(object[name], 0);
      if (weight > PART_LENGTH) break;
    }
    if (to > from) {
      const part: Record<string, unknown> = {};
      for (let at = from; at < to; at += 1) part[names[at] ?? ""] = object[names[at] ?? ""];
      yield writer.write(part).slice(1, -1);
      from = to;
    } else {
      const name = names[from] ?? "";
      yield `${writer.write(name)}:`;
      yield* cut(object[name], writer, depth + 1, above);
      from += 1;
    }
  }
  yield "}";
}

/**
 * Roughly the length of a value's text; {@link HEAVY} when it is more than one part. Only the cutting depends on it. What is no object is weighed in place:
 * a call for each value would be half of the cost.
 */
function weightOf(value: unknown, depth: number): number {
  if (typeof value === "string") return value.length + 3;
  if (typeof value !== "object" || value === null) return 8;
  if (depth > MAX_WEIGHED_DEPTH) return HEAVY;
  let weight = 2;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i += 1) {
      const item: unknown = value[i];
      if (typeof item === "string") weight += item.length + 3;
      else if (typeof item === "number") weight += 8;
      else weight += weightOf(item, depth + 1);
      if (weight > PART_LENGTH) return HEAVY;
    }
  } else if (isObject(value)) {
    // Faster than Object.keys(), which would make a list; names that are inherited only make the parts smaller.
    for (const name in value) {
      const item = value[name];
      weight += name.length + 4;
      if (typeof item === "string") weight += item.length + 3;
      else if (typeof item === "number") weight += 8;
      else weight += weightOf(item, depth + 1);
      if (weight > PART_LENGTH) return HEAVY;
    }
  }
  return weight;
}
