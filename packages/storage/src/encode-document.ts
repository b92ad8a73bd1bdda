import { isRecord, type Json } from "./json.ts";

/** Deepest nesting of a document. */
export const MAX_DEPTH = 1_000;

/**
 * The text of a document: pretty-printed JSON with a last newline, from which the very same value can be read back.
 *
 * @throws {TypeError} For what JSON cannot hold, naming its path in the value: `undefined`, NaN, infinities, bigints,
 *   functions, symbols, sparse lists, objects of a class (dates, maps, ...), cycles and nesting deeper than {@link MAX_DEPTH}.
 */
export function encodeDocument(value: Json): string {
  const found = { negativeZero: false };
  if (!isPlain(value, 0, found)) throw refusal(value);
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
  const json: object & { readonly rawJSON?: (text: string) => unknown } = JSON;
  return json.rawJSON?.(text);
}

// Every save of a large state comes through here: it only says yes or no, and findProblem() says where.
function isPlain(value: unknown, depth: number, found: { negativeZero: boolean }): boolean {
  if (typeof value === "string" || typeof value === "boolean" || value === null) return true;
  if (typeof value === "number") {
    if (value === 0 && 1 / value < 0) found.negativeZero = true;
    return Number.isFinite(value);
  }
  if (typeof value !== "object" || depth >= MAX_DEPTH) return false;
  if (Array.isArray(value)) {
    for (const item of value) if (!isPlain(item, depth + 1, found)) return false; // a hole reads as undefined
    return true;
  }
  if (!isRecord(value) || problemOfObject(value) !== undefined) return false;
  for (const key of Object.keys(value)) if (!isPlain(value[key], depth + 1, found)) return false;
  return true;
}

function problemOfObject(value: Record<string, unknown>): string | undefined {
  const prototype: unknown = Object.getPrototypeOf(value);
  // A plain object of another realm (a vm context) has a foreign Object.prototype, whose own prototype is null.
  if (prototype !== null && prototype !== Object.prototype && Object.getPrototypeOf(prototype) !== null) {
    return "an object of a class";
  }
  if (typeof value["toJSON"] === "function") return "an object with toJSON()";
  return Object.getOwnPropertySymbols(value).length > 0 ? "a symbol as key" : undefined;
}

function refusal(value: unknown): TypeError {
  const { path, what } = findProblem(value, [], new Set()) ?? { path: [], what: "a value" };
  const place = path.map((part) => (typeof part === "number" ? `[${part}]` : `.${part}`)).join("");
  return new TypeError(`Cannot store the value: ${what} at "$${place}" is nothing that JSON can hold`);
}

interface Problem {
  readonly path: readonly (string | number)[];
  readonly what: string;
}

function findProblem(
  value: unknown,
  path: readonly (string | number)[],
  above: ReadonlySet<unknown>,
): Problem | undefined {
  if (value === undefined) return { path, what: "undefined" };
  if (typeof value === "number") return Number.isFinite(value) ? undefined : { path, what: String(value) };
  if (typeof value === "bigint" || typeof value === "function" || typeof value === "symbol") {
    return { path, what: `a ${typeof value}` };
  }
  if (typeof value !== "object" || value === null) return undefined;
  if (above.has(value)) return { path, what: "a cycle" };
  // Also the end of a cycle: depth is the only thing isPlain() looks at.
  if (above.size >= MAX_DEPTH)
    return { path: path.slice(0, 10), what: `nesting deeper than ${MAX_DEPTH} levels` };
  if (isRecord(value)) {
    const what = problemOfObject(value);
    if (what !== undefined) return { path, what };
  }
  const inside = new Set(above).add(value);
  const entries: Iterable<[string | number, unknown]> = Array.isArray(value)
    ? value.entries()
    : Object.entries(isRecord(value) ? value : {});
  for (const [key, item] of entries) {
    const problem = findProblem(item, [...path, key], inside);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
