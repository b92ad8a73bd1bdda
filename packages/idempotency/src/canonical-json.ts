import { canonicalJsonCarefully } from "./careful-canonical-json.ts";
import { NOT_COPIED, sortedCopy } from "./sorted-copy.ts";

/** Options of {@link canonicalJson}. */
export interface CanonicalJsonOptions {
  /** What errors call the value itself; default nothing: places in it then begin with the first name or index. */
  readonly root?: string;
}

/**
 * The canonical JSON of a value, as RFC 8785 says: keys sorted by UTF-16 code units, numbers as ECMAScript writes them, no spaces. The same value has the
 * same text, so that a checksum of it is a checksum of the value.
 *
 * It never guesses. What `JSON.stringify` would drop or change quietly is refused: `undefined` (also in arrays), functions, symbols, BigInt, `NaN`,
 * infinities, lone surrogates, cycles, holes in arrays, properties named by symbols, and every object that is not a plain one. `toJSON` is not called: convert a
 * Date, a Map or a class instance yourself, so that what is hashed is what you see. `-0` is `0`, as the RFC says. Properties that are not
 * enumerable, inherited, or named (not numbered) properties of an array are no part of JSON and are left out.
 *
 * @param value - A plain JSON value, of any depth. It must not change while it is read (a getter that answers differently each time).
 * @param options - `root`: what errors call the value itself, default nothing.
 * @returns The text; its UTF-8 are the canonical bytes.
 * @throws {CanonicalJsonError} With one of the `CANONICAL_` codes and the place in the value as `documentPath`.
 * @see {@link https://www.rfc-editor.org/rfc/rfc8785 | RFC 8785}
 */
export function canonicalJson(value: unknown, options: CanonicalJsonOptions = {}): string {
  try {
    const sorted = hasForeignToJson() ? NOT_COPIED : sortedCopy(value);
    if (sorted !== NOT_COPIED) return JSON.stringify(sorted);
  } catch (error) {
    // A text longer than a string can be, or a stack that was nearly full when we were called: the careful way can tell.
    if (!(error instanceof RangeError)) throw error;
  }
  return canonicalJsonCarefully(value, options.root ?? "");
}

/** Whether somebody gave all objects a `toJSON`, which JSON.stringify would call. */
function hasForeignToJson(): boolean {
  return "toJSON" in Array.prototype;
}
