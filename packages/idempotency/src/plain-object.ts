/** An object whose parts can be read by name. */
export type PlainObject = Readonly<Record<string, unknown>>;

/** Whether parts can be read by name and written as a JSON object: anything that is an object and no list. */
export function isObject(value: object): value is PlainObject {
  return !Array.isArray(value);
}

const isRawJSON: unknown = "isRawJSON" in JSON ? JSON.isRawJSON : undefined;

/** Whether it was made by `JSON.rawJSON()`, whose text could be written as anything; engines without that have none. */
export function isRawJson(value: object): boolean {
  return typeof isRawJSON === "function" && isRawJSON(value) === true;
}

/**
 * Names what an object is when it is neither a plain object nor a plain list, such as `an instance of Date`; `undefined` for a plain one.
 * Objects and lists of another realm (a `vm` context) are plain.
 */
export function oddKindOf(value: object): string | undefined {
  const prototype = prototypeOf(value);
  if (prototype === null) return isRawJson(value) ? "a text made by JSON.rawJSON()" : undefined;
  const isList = Array.isArray(value);
  if (prototype === (isList ? Array.prototype : Object.prototype)) return undefined;
  const constructor: unknown = Object.getOwnPropertyDescriptor(prototype, "constructor")?.value;
  const name = typeof constructor === "function" ? constructor.name : "";
  const root = isList ? prototypeOf(prototype) : prototype;
  const isRoot = root !== null && prototypeOf(root) === null;
  if (isRoot && name === (isList ? "Array" : "Object") && !("toJSON" in value)) return undefined;
  return name === "" ? "an object with a prototype of its own" : `an instance of ${name}`;
}

function prototypeOf(value: object): object | null {
  const prototype: unknown = Object.getPrototypeOf(value);
  return typeof prototype === "object" ? prototype : null;
}
