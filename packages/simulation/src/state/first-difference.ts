import type { Json } from "@holdfast/storage";

/** Where two values differ first: a JSON Pointer, and what stands there; `undefined` where nothing does. */
export interface Difference {
  readonly path: string;
  readonly expected: Json | undefined;
  readonly actual: Json | undefined;
}

/** The first place at which two values differ: keys in order, lists place by place. `undefined` when they are equal. */
export function firstDifference(
  expected: Json | undefined,
  actual: Json | undefined,
  path = "",
): Difference | undefined {
  if (Object.is(expected, actual)) return undefined;
  if (Array.isArray(expected) && Array.isArray(actual)) {
    const length = Math.max(expected.length, actual.length);
    for (let index = 0; index < length; index += 1) {
      const found = firstDifference(expected[index], actual[index], `${path}/${index}`);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (isObject(expected) && isObject(actual)) {
    const keys = new Set([...Object.keys(expected), ...Object.keys(actual)]);
    for (const key of [...keys].toSorted((a, b) => (a < b ? -1 : 1))) {
      const found = firstDifference(own(expected, key), own(actual, key), `${path}/${escaped(key)}`);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  return { path, expected, actual };
}

type JsonMap = { readonly [key: string]: Json };
const isObject = (value: Json | undefined): value is JsonMap =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const own = (value: JsonMap, key: string): Json | undefined =>
  Object.hasOwn(value, key) ? value[key] : undefined;
const escaped = (key: string): string => key.replaceAll("~", "~0").replaceAll("/", "~1");
