import type { Json } from "./json.ts";

/** Deepest nesting of a document. */
export const MAX_DEPTH = 2_000;

/**
 * The text of a document: pretty-printed JSON with a last newline, from which the very same value can be read back.
 *
 * @throws {TypeError} For what JSON cannot hold, naming its path in the value: `undefined`, NaN, infinities, bigints,
 *   functions, symbols, sparse lists, objects of a class (dates, maps, ...), cycles and nesting deeper than {@link MAX_DEPTH}.
 */
export function encodeDocument(value: Json): string {
  const found = { negativeZero: false };
  check(value, [], new Set(), found);
  const text = found.negativeZero
    ? JSON.stringify(value, keepNegativeZero, 2)
    : JSON.stringify(value, undefined, 2);
  return `${text}\n`;
}

// JSON can hold -0, JSON.stringify() alone drops its sign.
function keepNegativeZero(_key: string, value: unknown): unknown {
  return Object.is(value, -0) ? rawJson("-0") : value;
}

function rawJson(text: string): unknown {
  // In Node since 21; not yet in the type library this project compiles against.
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(text);
}

function check(
  value: unknown,
  path: (string | number)[],
  above: Set<object>,
  found: { negativeZero: boolean },
): void {
  switch (typeof value) {
    case "string":
    case "boolean":
      return;
    case "number":
      if (!Number.isFinite(value)) throw refusal(path, String(value));
      if (value === 0 && Object.is(value, -0)) found.negativeZero = true;
      return;
    case "object":
      break;
    default:
      throw refusal(path, value === undefined ? "undefined" : `a ${typeof value}`);
  }
  if (value === null) return;
  if (above.has(value)) throw refusal(path, "a cycle");
  if (above.size >= MAX_DEPTH) throw refusal(path.slice(0, 10), `nesting deeper than ${MAX_DEPTH} levels`);
  above.add(value);
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) {
      path.push(index);
      if (!(index in value)) throw refusal(path, "a hole in a list");
      check(value[index], path, above, found);
      path.pop();
    }
  } else {
    checkObject(value, path, above, found);
  }
  above.delete(value);
}

function checkObject(
  value: object,
  path: (string | number)[],
  above: Set<object>,
  found: { negativeZero: boolean },
): void {
  const prototype: unknown = Object.getPrototypeOf(value);
  // A plain object of another realm (a vm context) has a foreign Object.prototype, whose own prototype is null.
  if (prototype !== null && prototype !== Object.prototype && Object.getPrototypeOf(prototype) !== null) {
    throw refusal(path, `an object of class ${value.constructor?.name ?? "unknown"}`);
  }
  if (typeof (value as { toJSON?: unknown }).toJSON === "function")
    throw refusal(path, "an object with toJSON()");
  if (Object.getOwnPropertySymbols(value).length > 0) throw refusal(path, "a symbol as key");
  for (const key of Object.keys(value)) {
    path.push(key);
    check((value as Record<string, unknown>)[key], path, above, found);
    path.pop();
  }
}

function refusal(path: readonly (string | number)[], what: string): TypeError {
  const place = path.map((part) => (typeof part === "number" ? `[${part}]` : `.${part}`)).join("");
  return new TypeError(`Cannot store the value: ${what} at "$${place}" is nothing that JSON can hold`);
}
