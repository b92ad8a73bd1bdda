import { documentPathOf } from "./document-path.ts";
import { CanonicalJsonError, type CanonicalJsonErrorCode } from "./errors.ts";
import { isRawJson } from "./sorted-copy.ts";

interface Frame {
  readonly value: object;
  /** `undefined` for an array. */
  readonly keys: readonly string[] | undefined;
  readonly length: number;
  index: number;
}

/**
 * Writes canonical JSON without using the call stack, and knows at every moment where it is: the way for deep values, and the one that names what is wrong.
 * Slower than the way for plain values, to which it must always be equal.
 */
export function canonicalJsonCarefully(root: unknown, rootName: string): string {
  const stack: Frame[] = [];
  const ancestors = new Set<object>();
  const refuse = (code: CanonicalJsonErrorCode, fault: string, cause?: unknown): never => {
    const documentPath = documentPathOf(
      rootName,
      stack.map((frame) => (frame.keys === undefined ? frame.index : (frame.keys[frame.index] as string))),
    );
    const shown =
      documentPath.length > 300
        ? `${documentPath.slice(0, 140)} ... ${documentPath.slice(-140)}`
        : documentPath;
    throw new CanonicalJsonError(code, `Cannot write canonical JSON at "${shown}": ${fault}`, {
      documentPath,
      ...(cause === undefined ? {} : { cause }),
    });
  };
  const writeLeaf = (value: unknown): string => {
    if (value === null) return "null";
    switch (typeof value) {
      case "string":
        if (!value.isWellFormed())
          refuse(
            "CANONICAL_SURROGATE",
            "the text holds a lone surrogate, which has no UTF-8; remove or replace it",
          );
        return JSON.stringify(value);
      case "number":
        if (!Number.isFinite(value)) refuse("CANONICAL_NUMBER", `${value} has no JSON; use null or a text`);
        return JSON.stringify(value);
      case "boolean":
        return value ? "true" : "false";
      case "undefined":
        return refuse(
          "CANONICAL_UNDEFINED",
          "it is undefined, which has no JSON; leave the key out or use null",
        );
      case "bigint":
        return refuse("CANONICAL_BIGINT", "a BigInt has no JSON; use a text, or a number that is exact");
      default:
        return refuse("CANONICAL_TYPE", `a ${typeof value} has no JSON; leave it out`);
    }
  };
  const open = (value: object): Frame => {
    if (ancestors.has(value))
      refuse("CANONICAL_CYCLE", "it is an object that holds itself; write a reference by name instead");
    const kind = oddKindOf(value);
    if (kind !== undefined)
      refuse(
        "CANONICAL_TYPE",
        `${kind} is not plain JSON; convert it to plain objects, lists, texts and numbers first`,
      );
    ancestors.add(value);
    if (Array.isArray(value)) return { value, keys: undefined, length: value.length, index: 0 };
    if (Object.getOwnPropertySymbols(value).length > 0)
      refuse("CANONICAL_TYPE", "it has a property named by a symbol, which has no JSON; leave it out");
    const keys = Object.keys(value).sort();
    return { value, keys, length: keys.length, index: 0 };
  };

  if (typeof root !== "object" || root === null) return writeLeaf(root);
  const pieces: string[] = [];
  let text = "";
  let frame: Frame = open(root);
  stack.push(frame);
  text += frame.keys === undefined ? "[" : "{";
  try {
    while (true) {
      if (frame.index >= frame.length) {
        text += frame.keys === undefined ? "]" : "}";
        ancestors.delete(frame.value);
        stack.pop();
        const parent = stack.at(-1);
        if (parent === undefined) break;
        frame = parent;
        frame.index += 1;
        continue;
      }
      if (frame.index > 0) text += ",";
      let child: unknown;
      if (frame.keys === undefined) {
        child = (frame.value as readonly unknown[])[frame.index];
        if (child === undefined && !(frame.index in frame.value))
          refuse("CANONICAL_UNDEFINED", "the array has a hole here; fill it or use null");
      } else {
        const key = frame.keys[frame.index] as string;
        if (!key.isWellFormed())
          refuse(
            "CANONICAL_SURROGATE",
            "the property name holds a lone surrogate, which has no UTF-8; rename it",
          );
        text += `${JSON.stringify(key)}:`;
        child = (frame.value as Record<string, unknown>)[key];
      }
      if (typeof child === "object" && child !== null) {
        const next: Frame = open(child);
        text += next.keys === undefined ? "[" : "{";
        stack.push(next);
        frame = next;
      } else {
        text += writeLeaf(child);
        frame.index += 1;
      }
      // Short pieces keep the engine's rope of concatenations flat.
      if (text.length > 1_048_576) {
        pieces.push(text);
        text = "";
      }
    }
    pieces.push(text);
    return pieces.join("");
  } catch (error) {
    if (error instanceof RangeError && /string length/i.test(error.message)) {
      refuse(
        "CANONICAL_TOO_LARGE",
        "the whole would be longer than a string can be; split it, or keep large contents apart and refer to them by checksum",
        error,
      );
    }
    throw error;
  }
}

/** Names an object that is not plain; `undefined` for a plain one. Plain objects and lists of another realm are plain. */
function oddKindOf(value: object): string | undefined {
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype === null) return isRawJson(value) ? "a text made by JSON.rawJSON()" : undefined;
  const list = Array.isArray(value);
  if (prototype === (list ? Array.prototype : Object.prototype)) return undefined;
  const name: unknown = Object.getOwnPropertyDescriptor(prototype, "constructor")?.value?.name;
  const depth = list
    ? Object.getPrototypeOf(Object.getPrototypeOf(prototype) ?? prototype)
    : Object.getPrototypeOf(prototype);
  if (
    depth === null &&
    name === (list ? "Array" : "Object") &&
    typeof (value as { toJSON?: unknown }).toJSON !== "function"
  )
    return undefined;
  return typeof name === "string" && name !== ""
    ? `an instance of ${name}`
    : "an object with a prototype of its own";
}
