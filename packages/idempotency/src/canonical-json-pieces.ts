import type { CanonicalJsonOptions } from "./canonical-json.ts";
import { byCodeUnits, canonicalPart } from "./canonical-part.ts";
import { canonicalJsonCarefully } from "./careful-canonical-json.ts";
import { CanonicalJsonError } from "./errors.ts";
import { PART_LENGTH, partsOf } from "./json-parts.ts";

/** A part is weighed before it is written, and often shorter than its weight. */
const LEAST_PIECE = PART_LENGTH / 2;

/** Options of {@link canonicalJsonPieces}. */
export interface CanonicalJsonPiecesOptions extends CanonicalJsonOptions {
  /**
   * Told once, before the first piece for which it holds, when the text is not the one that reads back as the very same value with its names in their order:
   * names had to be sorted, or the sign of a `-0` was dropped. {@link exactJsonPieces} gives that one.
   */
  readonly onChanged?: () => void;
  /** Told once when there is a `-0`. */
  readonly onNegativeZero?: () => void;
}

/**
 * The canonical JSON of a value in pieces: joined they are the text of {@link canonicalJson}, to the character. For values whose text is
 * too long to be held in one piece, or that is hashed or written as it is made; only the pieces need memory, and not a sorted copy of the value.
 *
 * @param value - A plain JSON value; it must not change until the last piece was taken.
 * @param options - `root`: what errors call the value itself, default nothing. `onChanged`: told when the text is not the exact one. `onNegativeZero`: told of a `-0`.
 * @returns Pieces of some 64 KiB; a text in the value is never cut, so one can be longer. What cannot be written is found when its piece is
 *   taken: pieces before it may have been given by then.
 * @throws {CanonicalJsonError} As `canonicalJson`, with the place in the value; `CANONICAL_TOO_LARGE` only for a single part that is.
 * @see {@link https://www.rfc-editor.org/rfc/rfc8785 | RFC 8785}
 */
export function* canonicalJsonPieces(
  value: unknown,
  options: CanonicalJsonPiecesOptions = {},
): Generator<string, void, undefined> {
  let { onChanged, onNegativeZero } = options;
  const changed = (): void => {
    onChanged?.();
    onChanged = undefined;
  };
  const write = (part: unknown): string => {
    const { text, isVerbatim, hasNegativeZero } = canonicalPart(part);
    if (!isVerbatim) changed();
    if (hasNegativeZero) {
      onNegativeZero?.();
      onNegativeZero = undefined;
    }
    return text;
  };
  const namesOf = (object: object): readonly string[] => {
    const names = Object.keys(object);
    const sorted = names.toSorted(byCodeUnits);
    if (names.some((name, index) => name !== sorted[index])) changed();
    return sorted;
  };
  try {
    yield* joined(partsOf(value, { write, namesOf }));
  } catch (error) {
    if (!(error instanceof CanonicalJsonError)) throw error;
    // What is wrong is known; where, only to who goes through the value from its beginning.
    canonicalJsonCarefully(value, options.root ?? "");
    throw error;
  }
}

/** Options of {@link exactJsonPieces}. */
export interface ExactJsonPiecesOptions {
  /** False where it is known that the value holds no `-0`, which then is not looked for. Default true. */
  readonly negativeZero?: boolean;
}

/**
 * The JSON of a value in pieces, without spaces: names in the order they have, `-0` with its sign, so that it reads back as the very same value.
 *
 * @param value - What {@link canonicalJsonPieces} has been through: it is not checked again.
 * @param options - `negativeZero`: whether there can be a `-0`, default true.
 * @returns Pieces of some 64 KiB.
 */
export function* exactJsonPieces(
  value: unknown,
  options: ExactJsonPiecesOptions = {},
): Generator<string, void, undefined> {
  const write = options.negativeZero === false ? (part: unknown) => JSON.stringify(part) : exactText;
  yield* joined(partsOf(value, { write, namesOf: Object.keys }));
}

/** Puts short parts together; a long one is a piece of its own, for putting it to others would copy it. */
function* joined(parts: Iterable<string>): Generator<string, void, undefined> {
  let piece = "";
  for (const part of parts) {
    piece += part;
    if (piece.length < LEAST_PIECE) continue;
    yield piece;
    piece = "";
  }
  yield piece;
}

function exactText(value: unknown): string {
  return holdsNegativeZero(value) ? JSON.stringify(value, keepSign) : JSON.stringify(value);
}

function holdsNegativeZero(value: unknown): boolean {
  if (typeof value === "number") return value === 0 && 1 / value < 0;
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value)) return value.some(holdsNegativeZero);
  return Object.values(value).some(holdsNegativeZero);
}

function keepSign(_name: string, value: unknown): unknown {
  return Object.is(value, -0) ? rawJson("-0") : value;
}

function rawJson(text: string): unknown {
  // In Node since 21; not yet in the type library this project compiles against.
  const json: object & { readonly rawJSON?: (text: string) => unknown } = JSON;
  return json.rawJSON?.(text);
}
