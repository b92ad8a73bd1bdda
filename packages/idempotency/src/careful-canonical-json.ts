import { documentPathOf } from "./document-path.ts";
import { CanonicalJsonError, type CanonicalJsonErrorCode } from "./errors.ts";
import { isObject, oddKindOf, type PlainObject } from "./plain-object.ts";

/** A list or an object that is being written, and how far it is. */
type Frame =
  | { readonly list: readonly unknown[]; index: number }
  | {
      readonly list: undefined;
      readonly object: PlainObject;
      readonly keys: readonly string[];
      index: number;
    };

/** Texts longer than this are put aside, which keeps the engine's concatenations short. */
const PIECE_LENGTH = 1_048_576;

/**
 * Writes canonical JSON without using the call stack, and knows at every moment where it is: the way for deep values, and the one that names what is wrong.
 * Slower than the way for plain values, to which it must always be equal.
 */
export function canonicalJsonCarefully(root: unknown, rootName: string): string {
  const stack: Frame[] = [];
  // Of the open frames: an object may occur twice, but not inside itself.
  const ancestors = new Set<object>();
  const pieces: string[] = [];
  let text = "";

  const place = (): string => documentPathOf(rootName, stack.map(placeIn));
  const write = (value: unknown): void => {
    if (typeof value !== "object" || value === null) {
      text += leafText(value, place);
      return;
    }
    if (ancestors.has(value))
      refuse(
        "CANONICAL_CYCLE",
        "it is an object that holds itself; write a reference by name instead",
        place,
      );
    const frame = openFrame(value, place);
    text += frame.list === undefined ? "{" : "[";
    ancestors.add(value);
    stack.push(frame);
  };

  try {
    write(root);
    for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
      const { index } = frame;
      if (frame.list === undefined) {
        const key = frame.keys[index];
        if (key === undefined) {
          text += "}";
          ancestors.delete(frame.object);
          leave(stack);
        } else {
          if (index > 0) text += ",";
          if (!key.isWellFormed()) {
            refuse(
              "CANONICAL_SURROGATE",
              "the property name holds a lone surrogate, which has no UTF-8; rename it",
              place,
            );
          }
          text += `${JSON.stringify(key)}:`;
          writePart(frame, frame.object[key]);
        }
      } else if (index < frame.list.length) {
        if (index > 0) text += ",";
        if (!(index in frame.list))
          refuse("CANONICAL_UNDEFINED", "the list has a hole here; fill it or use null", place);
        writePart(frame, frame.list[index]);
      } else {
        text += "]";
        ancestors.delete(frame.list);
        leave(stack);
      }
      if (text.length > PIECE_LENGTH) {
        pieces.push(text);
        text = "";
      }
    }
    pieces.push(text);
    return pieces.join("");
  } catch (error) {
    if (!(error instanceof RangeError && error.message === "Invalid string length")) throw error;
    const fault =
      "the whole would be longer than a text can be; keep large contents apart and refer to them by checksum";
    return refuse("CANONICAL_TOO_LARGE", fault, place, error);
  }

  function writePart(frame: Frame, part: unknown): void {
    write(part);
    if (stack.at(-1) === frame) frame.index += 1;
  }
}

function leave(stack: Frame[]): void {
  stack.pop();
  const parent = stack.at(-1);
  if (parent !== undefined) parent.index += 1;
}

function placeIn(frame: Frame): string | number {
  return frame.list === undefined ? (frame.keys[frame.index] ?? "") : frame.index;
}

function openFrame(value: object, place: () => string): Frame {
  const kind = oddKindOf(value);
  if (kind !== undefined) {
    refuse(
      "CANONICAL_TYPE",
      `${kind} is not plain JSON; convert it to plain objects, lists, texts and numbers first`,
      place,
    );
  }
  if (!isObject(value)) return { list: Array.isArray(value) ? value : [], index: 0 };
  if (Object.getOwnPropertySymbols(value).length > 0) {
    refuse("CANONICAL_TYPE", "it has a property named by a symbol, which has no JSON; leave it out", place);
  }
  return { list: undefined, object: value, keys: Object.keys(value).toSorted(byCodeUnits), index: 0 };
}

function byCodeUnits(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function leafText(value: unknown, place: () => string): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "string") {
    if (value.isWellFormed()) return JSON.stringify(value);
    return refuse(
      "CANONICAL_SURROGATE",
      "the text holds a lone surrogate, which has no UTF-8; remove or replace it",
      place,
    );
  }
  if (typeof value === "number") {
    if (Number.isFinite(value)) return JSON.stringify(value);
    return refuse("CANONICAL_NUMBER", `${value} has no JSON; use null or a text`, place);
  }
  if (value === undefined) {
    return refuse(
      "CANONICAL_UNDEFINED",
      "it is undefined, which has no JSON; leave it out or use null",
      place,
    );
  }
  if (typeof value === "bigint") {
    return refuse("CANONICAL_BIGINT", "a BigInt has no JSON; use a text, or a number that is exact", place);
  }
  return refuse("CANONICAL_TYPE", `a ${typeof value} has no JSON; leave it out`, place);
}

function refuse(code: CanonicalJsonErrorCode, fault: string, place: () => string, cause?: unknown): never {
  const documentPath = place();
  const shown =
    documentPath.length > 300
      ? `${documentPath.slice(0, 140)} ... ${documentPath.slice(-140)}`
      : documentPath;
  const where = shown === "" ? "of the value" : `at "${shown}"`;
  throw new CanonicalJsonError(code, `Cannot write canonical JSON ${where}: ${fault}`, {
    documentPath,
    ...(cause === undefined ? {} : { cause }),
  });
}
