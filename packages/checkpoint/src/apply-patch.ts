import type { Json } from "@holdfast/storage";
import { JsonPatchError } from "./errors.ts";
import { isJsonObject } from "./json.ts";
import { type JsonPatch, type JsonPatchOperation, pointerParts } from "./json-patch.ts";
import { stateChecksum } from "./state-text.ts";

/** A value that is being changed; the parts of it that are our own may be changed in place. */
type Draft = { [name: string]: Json } | Json[];

/**
 * Applies a JSON Patch (RFC 6902: `add`, `remove`, `replace`, `move`, `copy`, `test`).
 *
 * @param value - Stays as it is; the result shares with it what no operation touches.
 * @param patch - The operations, in their order.
 * @returns The changed value.
 * @throws {JsonPatchError} `PATCH_INVALID` for an operation that cannot be done, `PATCH_TEST` for a test that fails; its `path` is the operation's.
 * @see {@link https://www.rfc-editor.org/rfc/rfc6902 | RFC 6902}
 */
export function applyPatch(value: Json, patch: JsonPatch): Json {
  const patcher = new Patcher(value);
  for (const operation of patch) patcher.apply(operation);
  return patcher.value;
}

class Patcher {
  value: Json;
  readonly #own = new WeakSet<object>();

  constructor(value: Json) {
    this.value = value;
  }

  apply(operation: JsonPatchOperation): void {
    switch (operation.op) {
      case "add":
        this.#add(operation.path, operation.value);
        return;
      case "remove":
        this.#remove(operation.path);
        return;
      case "replace":
        this.#replace(operation.path, operation.value);
        return;
      case "move": {
        const { from, path } = operation;
        const moved = this.#get(from);
        if (path === from) return;
        if (path.startsWith(`${from}/`)) throw invalidPatch(path, `it lies within "${from}", which moves`);
        this.#remove(from);
        this.#add(path, moved);
        return;
      }
      case "copy":
        this.#add(operation.path, this.#get(operation.from));
        return;
      case "test":
        if (stateChecksum(this.#get(operation.path)) === stateChecksum(operation.value)) return;
        throw new JsonPatchError(
          "PATCH_TEST",
          `Cannot apply the patch: "${operation.path}" has another value`,
          {
            path: operation.path,
          },
        );
      default:
        throw invalidPatch("", `there is no operation ${JSON.stringify(operation)}`);
    }
  }

  #get(path: string): Json {
    let at = this.value;
    for (const part of partsOf(path)) at = memberOf(at, part, path);
    return at;
  }

  #add(path: string, value: Json): void {
    const parts = partsOf(path);
    const last = parts.pop();
    if (last === undefined) {
      this.value = value;
      return;
    }
    const parent = this.#open(parts, path);
    if (Array.isArray(parent)) {
      const index = last === "-" ? parent.length : indexOf(last, parent.length, path);
      parent.splice(index, 0, value);
    } else {
      setMember(parent, last, value);
    }
  }

  #remove(path: string): void {
    const parts = partsOf(path);
    const last = parts.pop();
    if (last === undefined) throw invalidPatch(path, "the whole value cannot be removed");
    const parent = this.#open(parts, path);
    memberOf(parent, last, path);
    if (Array.isArray(parent)) parent.splice(Number(last), 1);
    else delete parent[last];
  }

  #replace(path: string, value: Json): void {
    const parts = partsOf(path);
    const last = parts.pop();
    if (last === undefined) {
      this.value = value;
      return;
    }
    const parent = this.#open(parts, path);
    memberOf(parent, last, path);
    if (Array.isArray(parent)) parent[Number(last)] = value;
    else setMember(parent, last, value);
  }

  /** The object or list at a place, made our own with all that it lies in. */
  #open(parts: readonly string[], path: string): Draft {
    let at = this.#owned(this.value, path);
    this.value = at;
    for (const part of parts) {
      const next = this.#owned(memberOf(at, part, path), path);
      if (Array.isArray(at)) at[Number(part)] = next;
      else setMember(at, part, next);
      at = next;
    }
    return at;
  }

  #owned(value: Json, path: string): Draft {
    if (typeof value !== "object" || value === null)
      throw invalidPatch(path, "it leads through a plain value");
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- made here, as a value that can be changed
    if (this.#own.has(value)) return value as Draft;
    const copy: Draft = isJsonObject(value) ? { ...value } : Array.isArray(value) ? [...value] : {};
    this.#own.add(copy);
    return copy;
  }
}

function partsOf(path: string): string[] {
  const parts = typeof path === "string" ? pointerParts(path) : undefined;
  if (parts === undefined) throw invalidPatch(path, "it is no JSON Pointer");
  return parts;
}

function memberOf(value: Json, part: string, path: string): Json {
  if (Array.isArray(value)) {
    const list: readonly Json[] = value;
    const item = list[indexOf(part, list.length - 1, path)];
    if (item !== undefined) return item;
  } else if (isJsonObject(value) && Object.hasOwn(value, part)) {
    const member = value[part];
    if (member !== undefined) return member;
  }
  throw invalidPatch(path, `there is no "${part}"`);
}

function indexOf(part: string, highest: number, path: string): number {
  const index = /^(?:0|[1-9]\d*)$/.test(part) ? Number(part) : -1;
  if (index >= 0 && index <= highest) return index;
  throw invalidPatch(path, `"${part}" is no place in a list that ends at ${highest}`);
}

/** Also under the name `__proto__`, which an assignment would take for something else. */
function setMember(object: { [name: string]: Json }, name: string, value: Json): void {
  if (name !== "__proto__") object[name] = value;
  else Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
}

function invalidPatch(path: string, reason: string): JsonPatchError {
  return new JsonPatchError("PATCH_INVALID", `Cannot apply the patch at "${path}": ${reason}`, { path });
}
