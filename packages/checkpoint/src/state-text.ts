import { constants } from "node:buffer";
import { createHash } from "node:crypto";
import { CanonicalJsonError, canonicalJsonPieces } from "@holdfast/idempotency";
import { type Json, JsonText } from "@holdfast/storage";
import type { JsonObject } from "./json.ts";

/** Up to here a document is pretty-printed, for people; a longer state stands on one line, hashed and written from the same bytes. */
export const PRETTY_BYTES = 256 * 1024;
/** Deepest nesting of a state. */
const MAX_DEPTH = 990;
/** What is longer could be written, but not be read back: a text of JavaScript ends there. */
const MAX_BYTES = constants.MAX_STRING_LENGTH - 1024 * 1024;

/** A state as it is written, and its checksum. */
export interface StateText {
  /** Checksum of the canonical JSON. */
  readonly checksum: string;
  /** Length of the canonical JSON in bytes. */
  readonly size: number;
  /** What stands in the document. */
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
  const hash = createHash("sha256");
  for (const piece of canonicalJsonPieces(state, { root: "state" })) hash.update(piece);
  return `sha256:${hash.digest("hex")}`;
}

/**
 * Makes the text of a state, once.
 *
 * @throws {UnwritableState} For what cannot be written, or not read back.
 */
export function stateText(state: JsonObject, root: string): StateText {
  const hash = createHash("sha256");
  const pieces: Buffer[] = [];
  let size = 0;
  try {
    for (const piece of canonicalJsonPieces(state, { root })) {
      const bytes = Buffer.from(piece);
      hash.update(bytes);
      pieces.push(bytes);
      size += bytes.length;
    }
  } catch (error) {
    if (!(error instanceof CanonicalJsonError)) throw error;
    throw new UnwritableState(error.message, { cause: error });
  }
  const checksum = `sha256:${hash.digest("hex")}`;
  const { isDeep, hasNegativeZero } = lookInto(state);
  if (isDeep)
    throw new UnwritableState(`"${root}" is nested deeper than ${MAX_DEPTH} levels; make it flatter`);
  if (size > MAX_BYTES)
    throw new UnwritableState(
      `"${root}" has ${size} bytes of JSON, which could not be read back; keep it below ${MAX_BYTES}`,
    );
  if (size <= PRETTY_BYTES) return { checksum, size, member: state };
  return { checksum, size, member: new JsonText(hasNegativeZero ? exactPieces(state) : pieces) };
}

/** Canonical JSON drops the sign of zero, and a state is to come back as it was. */
function exactPieces(state: JsonObject): Buffer[] {
  return Array.from(canonicalJsonPieces(state, { keepNegativeZero: true }), (piece) => Buffer.from(piece));
}

function lookInto(state: JsonObject): { readonly isDeep: boolean; readonly hasNegativeZero: boolean } {
  let isDeep = false;
  let hasNegativeZero = false;
  const look = (value: unknown, depth: number): void => {
    if (typeof value === "number") {
      if (value === 0 && 1 / value < 0) hasNegativeZero = true;
    } else if (typeof value === "object" && value !== null) {
      if (depth >= MAX_DEPTH) {
        isDeep = true;
      } else if (Array.isArray(value)) {
        for (const item of value) look(item, depth + 1);
      } else {
        for (const name of Object.keys(value)) look((value as JsonObject)[name], depth + 1);
      }
    }
  };
  look(state, 0);
  return { isDeep, hasNegativeZero };
}
