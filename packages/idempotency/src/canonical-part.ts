import { canonicalJson } from "./canonical-json.ts";
import { isObject, isRawJson, type PlainObject } from "./plain-object.ts";

/** More names than this, and looking for each in every object costs more than sorting each object. */
const MAX_NAMES = 64;
/** Deeper than this the stack is not trusted, and a cycle is suspected. */
const MAX_DEPTH = 200;

/** The canonical JSON of a part of a value. */
export interface CanonicalPart {
  readonly text: string;
  /** Whether `JSON.stringify` gives the same, and a reader the very same value: names in canonical order, no `-0`. */
  readonly isVerbatim: boolean;
  /** Whether it holds a `-0`, as far as that is known; true where it is not. */
  readonly hasNegativeZero: boolean;
}

/**
 * Writes a part without copying it: names that are out of order are put in order by the list of names that `JSON.stringify` takes.
 *
 * @throws {CanonicalJsonError} As `canonicalJson`.
 */
export function canonicalPart(value: unknown): CanonicalPart {
  const look = new Look();
  if ("toJSON" in Array.prototype || !look.into(value, 0))
    return { text: canonicalJson(value), isVerbatim: false, hasNegativeZero: true };
  const { hasNegativeZero } = look;
  if (look.isOrdered) return { text: JSON.stringify(value), isVerbatim: !hasNegativeZero, hasNegativeZero };
  const names = [...look.names];
  // What an object inherits would be written where it has no such property of its own.
  if (names.length > MAX_NAMES || names.some((name) => name in Object.prototype))
    return { text: canonicalJson(value), isVerbatim: false, hasNegativeZero };
  return { text: JSON.stringify(value, names.toSorted(byCodeUnits)), isVerbatim: false, hasNegativeZero };
}

/** Looks whether a value is plain JSON all the way down, and how its names stand. */
class Look {
  readonly names = new Set<string>();
  isOrdered = true;
  hasNegativeZero = false;

  /** False for what somebody else must write, or say what is wrong with it. */
  into(value: unknown, depth: number): boolean {
    if (typeof value === "string") return value.isWellFormed();
    if (typeof value === "number") {
      if (value === 0 && 1 / value < 0) this.hasNegativeZero = true;
      return value - value === 0;
    }
    if (typeof value === "boolean" || value === null) return true;
    if (typeof value !== "object" || depth > MAX_DEPTH) return false;
    if (!Array.isArray(value)) return isObject(value) && this.#intoObject(value, depth);
    if (Object.getPrototypeOf(value) !== Array.prototype) return false;
    for (let i = 0; i < value.length; i += 1) if (!this.into(value[i], depth + 1)) return false;
    return true;
  }

  #intoObject(object: PlainObject, depth: number): boolean {
    const prototype: unknown = Object.getPrototypeOf(object);
    if (prototype !== Object.prototype && (prototype !== null || isRawJson(object))) return false;
    if (Object.getOwnPropertySymbols(object).length > 0) return false;
    let last = "";
    for (const name of Object.keys(object)) {
      if (!this.names.has(name)) {
        if (!name.isWellFormed()) return false;
        if (this.names.size <= MAX_NAMES) this.names.add(name);
      }
      if (name < last) this.isOrdered = false;
      last = name;
      if (!this.into(object[name], depth + 1)) return false;
    }
    return true;
  }
}

/** As `<` compares texts, and as RFC 8785 sorts. */
export function byCodeUnits(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
