import { constants } from "node:buffer";
import { CanonicalJsonError, canonicalJsonPieces, exactJsonPieces } from "@holdfast/idempotency";
import { type Json, JsonText } from "@holdfast/storage";
import { isJsonObject, type JsonObject } from "./json.ts";
import { TextChecksum } from "./text-checksum.ts";

/** Up to here a document is pretty-printed, for people; a longer state stands on one line, hashed and written from the same bytes. */
const PRETTY_BYTES = 256 * 1024;
/** Deepest nesting of a state. */
const MAX_DEPTH = 990;
/** What is longer could be written, but not be read back: a text of JavaScript ends there. */
const MAX_BYTES = constants.MAX_STRING_LENGTH - 1024 * 1024;

/** A state as it is written, and its checksums. */
export interface StateText {
  /** Checksum of the canonical JSON. */
  readonly checksum: string;
  /** Checksum of the text as it stands in the document; `undefined` where that is the canonical one, or pretty-printed. */
  readonly textChecksum: string | undefined;
  /** Length of the canonical JSON in bytes. */
  readonly size: number;
  /** What stands in the document: names in their order, and `-0` with its sign, so that what is loaded is what was saved. */
  readonly member: Json | JsonText;
}

/** Why a value cannot be written; the message begins with what is wrong. */
export class UnwritableState extends Error {
  override readonly name = "UnwritableState";
}

/**
 * The checksum of a state: of its canonical JSON (RFC 8785), made in pieces.
 *
 * @param state - Any plain JSON value.
 * @returns `sha256:` and 64 hex digits.
 * @throws {CanonicalJsonError} For what JSON cannot hold, with its place.
 */
export function stateChecksum(state: unknown): string {
  const checksum = new TextChecksum();
  for (const piece of canonicalJsonPieces(state, { root: "state" })) checksum.update(piece);
  return checksum.digest();
}

/**
 * Makes the text of a state, once.
 *
 * @throws {UnwritableState} For what cannot be written, or not read back.
 */
export function stateText(state: JsonObject, root: string): StateText {
  const { checksum, size, pieces, negativeZero } = canonicalText(state, root);
  // A text that is canonical as it stands is never of a deep value: that one is written otherwise, and told as changed.
  if (pieces === undefined && isDeep(state, 0))
    throw new UnwritableState(`"${root}" is nested deeper than ${MAX_DEPTH} levels; make it flatter`);
  if (size > MAX_BYTES)
    throw new UnwritableState(
      `"${root}" has ${size} bytes of JSON, which could not be read back; keep it below ${MAX_BYTES}`,
    );
  if (size <= PRETTY_BYTES) return { checksum, textChecksum: undefined, size, member: state };
  if (pieces !== undefined) return { checksum, textChecksum: undefined, size, member: new JsonText(pieces) };
  const textChecksum = new TextChecksum();
  const exact: Buffer[] = [];
  for (const piece of exactJsonPieces(state, { negativeZero })) {
    const bytes = Buffer.from(piece);
    textChecksum.update(bytes);
    exact.push(bytes);
  }
  return { checksum, textChecksum: textChecksum.digest(), size, member: new JsonText(exact) };
}

/** The canonical text's checksum, and the text itself as long as it is the one to be written. */
function canonicalText(
  state: JsonObject,
  root: string,
): {
  readonly checksum: string;
  readonly size: number;
  readonly pieces: Buffer[] | undefined;
  readonly negativeZero: boolean;
} {
  const checksum = new TextChecksum();
  const kept: Buffer[] = [];
  let isExact = true;
  let size = 0;
  let negativeZero = false;
  const onNegativeZero = (): void => {
    negativeZero = true;
  };
  const onChanged = (): void => {
    isExact = false;
    kept.length = 0;
  };
  try {
    for (const piece of canonicalJsonPieces(state, { root, onChanged, onNegativeZero })) {
      // Bytes are made of what is kept only: given back late, they would be as much again as the state.
      const text = isExact ? Buffer.from(piece) : piece;
      checksum.update(text);
      size += Buffer.byteLength(text);
      if (typeof text !== "string") kept.push(text);
    }
  } catch (error) {
    if (!(error instanceof CanonicalJsonError)) throw error;
    throw new UnwritableState(error.message, { cause: error });
  }
  return { checksum: checksum.digest(), size, pieces: isExact ? kept : undefined, negativeZero };
}

/** Of a value that was found to be plain JSON: it inherits no names, so they need not be listed first, which would cost more than all the rest. */
function isDeep(value: unknown, depth: number): boolean {
  if (Array.isArray(value)) {
    if (depth >= MAX_DEPTH) return true;
    for (const item of value) if (typeof item === "object" && isDeep(item, depth + 1)) return true;
    return false;
  }
  if (!isJsonObject(value)) return false;
  if (depth >= MAX_DEPTH) return true;
  for (const name in value) {
    const item = value[name];
    if (typeof item === "object" && isDeep(item, depth + 1)) return true;
  }
  return false;
}
