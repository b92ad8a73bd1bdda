import type { JsonPatch } from "@holdfast/checkpoint";
import type { Json } from "@holdfast/storage";

/** One change, for a person: with what stood there before. */
export interface Change {
  readonly op: string;
  readonly path: string;
  readonly before?: Json;
  readonly after?: Json;
}

type Container = Json[] | { [name: string]: Json };

/** What a patch changes, one after the other, with the values that go. The value is changed on the way: give a copy. */
export function* describePatch(value: Json, patch: JsonPatch): Generator<Change> {
  // One level up, so that the whole value can be replaced too.
  const top: Container = { "": value };
  for (const operation of patch) {
    const { op, path } = operation;
    if (op === "add" || op === "replace") {
      const before = set(top, path, operation.value, op);
      yield { op, path, after: operation.value, ...(before === undefined ? {} : { before }) };
    } else if (op === "remove") {
      const before = remove(top, path);
      yield { op, path, ...(before === undefined ? {} : { before }) };
    } else {
      // A diff makes none of the others.
      yield { op, path };
    }
  }
}

function set(top: Container, path: string, value: Json, op: "add" | "replace"): Json | undefined {
  const { container, name } = placeOf(top, path);
  if (Array.isArray(container)) {
    const at = name === "-" ? container.length : Number(name);
    const [before] = container.splice(at, op === "replace" ? 1 : 0, value);
    return before;
  }
  const before = Object.hasOwn(container, name) ? container[name] : undefined;
  Object.defineProperty(container, name, { value, writable: true, enumerable: true, configurable: true });
  return before;
}

function remove(top: Container, path: string): Json | undefined {
  const { container, name } = placeOf(top, path);
  if (Array.isArray(container)) return container.splice(Number(name), 1)[0];
  const before = container[name];
  Reflect.deleteProperty(container, name);
  return before;
}

function placeOf(top: Container, path: string): { container: Container; name: string } {
  const parts = path.split("/").map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  const name = parts.pop() ?? "";
  let container = top;
  for (const part of parts) {
    const next: Json | undefined = Array.isArray(container) ? container[Number(part)] : container[part];
    if (typeof next !== "object" || next === null)
      throw new TypeError(`a patch names "${path}", which is not there`);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a copy of this function's own caller, made to be changed
    container = next as Container;
  }
  return { container, name };
}
