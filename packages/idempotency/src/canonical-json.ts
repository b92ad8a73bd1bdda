import { canonicalJsonCarefully } from "./careful-canonical-json.ts";

/** Options of {@link canonicalJson}. */
export interface CanonicalJsonOptions {
  /** What errors call the value itself; default `$`. */
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
 * @param value - A plain JSON value, of any depth.
 * @param options - `root`: what errors call the value itself, default `$`.
 * @returns The text; its UTF-8 are the canonical bytes.
 * @throws {CanonicalJsonError} With one of the `CANONICAL_` codes and the place in the value as `documentPath`.
 * @see {@link https://www.rfc-editor.org/rfc/rfc8785 | RFC 8785}
 */
export function canonicalJson(value: unknown, options: CanonicalJsonOptions = {}): string {
  let text: string | undefined;
  try {
    text = write(value, 0);
  } catch (error) {
    // A text longer than a string can be, or a stack that was nearly full when we were called: the careful way can tell.
    if (!(error instanceof RangeError)) throw error;
  }
  return text ?? canonicalJsonCarefully(value, options.root ?? "$");
}

/** Deeper than this the stack is not trusted, and a cycle is suspected: the careful way, which needs no stack, takes over. */
const MAX_DEPTH = 200;

/** Writes what is plain and shallow; `undefined` for everything else, which the careful way then writes or names. */
function write(value: unknown, depth: number): string | undefined {
  switch (typeof value) {
    case "string":
      return quote(value);
    case "number":
      // `+ 0` takes the sign from -0. Number to text is ECMAScript's, which is what RFC 8785 asks for.
      return value - value === 0 ? `${value + 0}` : undefined;
    case "boolean":
      return value ? "true" : "false";
    case "object":
      if (value === null) return "null";
      if (depth >= MAX_DEPTH) return undefined;
      return Array.isArray(value)
        ? writeArray(value, depth)
        : writeObject(value as Record<string, unknown>, depth);
    default:
      return undefined;
  }
}

function writeArray(value: readonly unknown[], depth: number): string | undefined {
  if (Object.getPrototypeOf(value) !== Array.prototype) return undefined;
  const { length } = value;
  if (length === 0) return "[]";
  let text = "[";
  for (let i = 0; i < length; i += 1) {
    const part = write(value[i], depth + 1);
    if (part === undefined) return undefined;
    text += i === 0 ? part : `,${part}`;
  }
  return `${text}]`;
}

function writeObject(value: Record<string, unknown>, depth: number): string | undefined {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return undefined;
  if (Object.getOwnPropertySymbols(value).length > 0) return undefined;
  const keys = sortKeys(Object.keys(value));
  const { length } = keys;
  if (length === 0) return "{}";
  let text = "{";
  for (let i = 0; i < length; i += 1) {
    const key = keys[i] as string;
    const name = quote(key);
    if (name === undefined) return undefined;
    const part = write(value[key], depth + 1);
    if (part === undefined) return undefined;
    text += i === 0 ? `${name}:${part}` : `,${name}:${part}`;
  }
  return `${text}}`;
}

/** Sorts in place by UTF-16 code units, which is how `<` and `sort()` compare texts. */
function sortKeys(keys: string[]): string[] {
  for (let i = 1; i < keys.length; i += 1) {
    if ((keys[i] as string) < (keys[i - 1] as string)) return keys.sort();
  }
  return keys;
}

// What needs an escape, and every surrogate: half of a pair looks the same as a lone one here, so pairs go the slow way too.
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that JSON escapes
const NOT_PLAIN = /["\\\u0000-\u001f\ud800-\udfff]/;

/** Up to this length a scan and a concatenation beat a call of `JSON.stringify`. */
const SHORT = 64;

function quote(text: string): string | undefined {
  if (text.length <= SHORT && !NOT_PLAIN.test(text)) return `"${text}"`;
  // JSON.stringify writes exactly RFC 8785's escapes for a text without lone surrogates.
  return text.isWellFormed() ? JSON.stringify(text) : undefined;
}
