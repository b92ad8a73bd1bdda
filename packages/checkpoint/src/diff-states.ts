import type { Json } from "@holdfast/storage";
import { isJsonObject, type JsonObject } from "./json.ts";
import { type JsonPatch, type JsonPatchOperation, pointerPart } from "./json-patch.ts";
import { matchLists } from "./match-lists.ts";

/** Below this the rest is replaced as a whole. */
const MAX_DEPTH = 1_000;

/**
 * What changes from one value to another, as JSON Patch (RFC 6902): `applyPatch(a, diffStates(a, b))` equals `b`.
 *
 * Objects are compared by name. Lists whose items all have an `id`, or all a `name`, each different from the others, are compared by it, wherever their items
 * stand; other lists place by place. The patch is right, not always the shortest there is; the time grows with the size of the values alone.
 *
 * @param a - The value before.
 * @param b - The value after.
 * @returns The changes, none when the values are equal. `-0` and `0` are different.
 * @see {@link https://www.rfc-editor.org/rfc/rfc6902 | RFC 6902}
 */
export function diffStates(a: Json, b: Json): JsonPatch {
  const patch: JsonPatchOperation[] = [];
  compare(a, b, "", 0, patch);
  return patch;
}

function compare(a: Json, b: Json, path: string, depth: number, patch: JsonPatchOperation[]): void {
  if (Object.is(a, b)) return;
  if (depth < MAX_DEPTH && isList(a) && isList(b)) compareLists(a, b, path, depth, patch);
  else if (depth < MAX_DEPTH && isJsonObject(a) && isJsonObject(b)) compareObjects(a, b, path, depth, patch);
  else patch.push({ op: "replace", path, value: b });
}

function compareObjects(
  a: JsonObject,
  b: JsonObject,
  path: string,
  depth: number,
  patch: JsonPatchOperation[],
): void {
  for (const name of Object.keys(a)) {
    if (!Object.hasOwn(b, name)) patch.push({ op: "remove", path: `${path}/${pointerPart(name)}` });
  }
  for (const [name, value] of Object.entries(b)) {
    const at = `${path}/${pointerPart(name)}`;
    const before = Object.hasOwn(a, name) ? a[name] : undefined;
    if (before === undefined) patch.push({ op: "add", path: at, value });
    else compare(before, value, at, depth + 1, patch);
  }
}

function compareLists(
  a: readonly Json[],
  b: readonly Json[],
  path: string,
  depth: number,
  patch: JsonPatchOperation[],
): void {
  const { removed, kept, added } = matchLists(a, b);
  // From the end, so that the places before stay what they are.
  for (const index of removed.toReversed()) patch.push({ op: "remove", path: `${path}/${index}` });
  for (const index of added) {
    const value = b[index];
    if (value !== undefined) patch.push({ op: "add", path: `${path}/${index}`, value });
  }
  for (const [from, to] of kept) {
    const [before, after] = [a[from], b[to]];
    if (before !== undefined && after !== undefined)
      compare(before, after, `${path}/${to}`, depth + 1, patch);
  }
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
