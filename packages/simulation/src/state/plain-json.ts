import type { Json } from "@holdfast/storage";
import { SimulationError } from "../errors.ts";

/** An own copy of a JSON object, that may be changed. */
export type JsonObject = { [key: string]: Json };

const NAME = /^[A-Za-z_$][A-Za-z0-9_$]*$/;
/** JSON of this depth is read back by every reader we know of; deeper is more likely a cycle of getters than a state. */
const MAX_DEPTH = 2_000;

function placeOf(root: string, path: readonly (string | number)[]): string {
  let text = root;
  for (const part of path) {
    text +=
      typeof part === "number" ? `[${part}]` : NAME.test(part) ? `.${part}` : `[${JSON.stringify(part)}]`;
  }
  return text;
}

/**
 * Copies a value that must be plain JSON: nothing of the copy is shared with it. Keys are in the order of canonical JSON and minus
 * zero is zero, so that a copy equals what is read back from a checkpoint in every way that an engine can see.
 *
 * @param root - What the value is called in errors, such as `state`.
 * @throws {SimulationError} `SIMULATION_STATE` for `undefined`, a function, a symbol, a BigInt, NaN, an infinity, a date or another instance of
 * a class, a lone surrogate, a cycle, or a list with holes; the message names its path.
 */
export function plainJson(value: unknown, root: string): Json {
  return new Copier(root).copy(value);
}

class Copier {
  readonly #root: string;
  readonly #path: (string | number)[] = [];
  readonly #open = new Set<object>();

  constructor(root: string) {
    this.#root = root;
  }

  copy(value: unknown): Json {
    if (typeof value === "string") {
      if (!value.isWellFormed()) throw this.#fault("holds half of a surrogate pair, which is not text");
      return value;
    }
    if (typeof value === "number") {
      if (!Number.isFinite(value)) throw this.#fault(`is ${value}, which JSON cannot hold`);
      return value === 0 ? 0 : value;
    }
    if (typeof value === "boolean" || value === null) return value;
    if (typeof value === "object") return this.#copyObject(value);
    if (value === undefined) throw this.#fault("is undefined; leave the key out, or use null");
    throw this.#fault(`is a ${typeof value}, which JSON cannot hold`);
  }

  #copyObject(value: object): Json {
    if (this.#open.has(value)) throw this.#fault("is a cycle: it contains itself");
    if (this.#path.length > MAX_DEPTH) throw this.#fault(`is nested deeper than ${MAX_DEPTH} levels`);
    this.#open.add(value);
    const copy = Array.isArray(value) ? this.#copyList(value) : this.#copyRecord(value);
    this.#open.delete(value);
    return copy;
  }

  #copyList(list: readonly unknown[]): Json {
    const copy: Json[] = [];
    for (let index = 0; index < list.length; index += 1) {
      this.#path.push(index);
      if (!(index in list)) throw this.#fault("is missing: the list has a hole");
      copy.push(this.copy(list[index]));
      this.#path.pop();
    }
    return copy;
  }

  #copyRecord(record: object): Json {
    const prototype: object | null = Object.getPrototypeOf(record);
    // Of another realm too: a plain object's prototype is the one that has none itself.
    if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
      throw this.#fault(`is a ${record.constructor?.name ?? "class instance"}, not a plain object`);
    }
    if (prototype !== null && !Object.hasOwn(prototype, "hasOwnProperty")) {
      throw this.#fault("is an instance of a class, not a plain object");
    }
    if (Object.getOwnPropertySymbols(record).length > 0)
      throw this.#fault("has a symbol as key, which JSON cannot hold");
    const copy: JsonObject = {};
    for (const key of Object.keys(record).toSorted(byCodeUnits)) {
      this.#path.push(key);
      if (key === "__proto__") throw this.#fault("is a key that is not allowed");
      if (!key.isWellFormed()) throw this.#fault("is a key with half of a surrogate pair, which is not text");
      copy[key] = this.copy((record as Record<string, unknown>)[key]);
      this.#path.pop();
    }
    return copy;
  }

  #fault(reason: string): SimulationError {
    const path = placeOf(this.#root, this.#path);
    return new SimulationError(
      "SIMULATION_STATE",
      `Cannot keep "${path}": it ${reason}; a state is plain JSON`,
      {
        path,
      },
    );
  }
}

const byCodeUnits = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Makes a value of its own unchangeable, all the way down. */
export function deepFreeze<T extends Json>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const member of Object.values(value)) deepFreeze(member);
  }
  return value;
}
