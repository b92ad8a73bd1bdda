import { encodeDocument } from "./encode-document.ts";
import { isRecord, type Json } from "./json.ts";

/** A list of a document that is made while it is written, so that a long one need not be held whole. */
export class JsonList {
  readonly #items: () => Iterable<Json>;

  /** @param items - Gives the items, from the first, each time it is called. */
  constructor(items: () => Iterable<Json>) {
    this.#items = items;
  }

  [Symbol.iterator](): Iterator<Json> {
    return this.#items()[Symbol.iterator]();
  }
}

/**
 * A value of a document whose text is there already: it is written as it is, without being made again. The caller vouches for it:
 * what is no JSON makes a document that cannot be read.
 */
export class JsonText {
  /** The text in UTF-8, one value without a newline. */
  readonly pieces: readonly Uint8Array[];

  /** @param pieces - The text in UTF-8, cut anywhere. They must not change until it is written. */
  constructor(pieces: readonly Uint8Array[]) {
    this.pieces = pieces;
  }
}

/** A document with lists that are made while it is written, or texts that exist already, at its top. What is kept is plain JSON. */
export interface JsonDraft {
  readonly [name: string]: Json | JsonList | JsonText;
}

const PIECE_LENGTH = 64 * 1024;

/** Whether a value is a draft: a document with a {@link JsonList} or a {@link JsonText} at its top. */
export function isDraft(value: Json | JsonDraft): value is JsonDraft {
  return (
    isRecord(value) && Object.values(value).some((member) => isList(member) || member instanceof JsonText)
  );
}

/** Whether a draft has lists that are made while it is written. */
export function hasLists(draft: JsonDraft): boolean {
  return Object.values(draft).some(isList);
}

function isList(member: unknown): boolean {
  return member instanceof JsonList;
}

/** The bytes of a draft, in pieces: together, but for the texts it was given, what `encodeDocument` gives for the whole document. */
export function* draftPieces(draft: JsonDraft): Generator<Uint8Array> {
  let piece = "{";
  let separator = "\n";
  for (const [name, member] of Object.entries(draft)) {
    piece += `${separator}  ${JSON.stringify(name)}: `;
    separator = ",\n";
    if (member instanceof JsonText) {
      yield Buffer.from(piece);
      yield* member.pieces;
      piece = "";
    } else if (member instanceof JsonList) {
      let before = "[\n    ";
      for (const item of member) {
        piece += before + indented(item, "    ");
        before = ",\n    ";
        if (piece.length < PIECE_LENGTH) continue;
        yield Buffer.from(piece);
        piece = "";
      }
      piece += before === "[\n    " ? "[]" : "\n  ]";
    } else {
      piece += indented(member, "  ");
    }
  }
  yield Buffer.from(`${piece}\n}\n`);
}

/** A value as it stands deeper in a document. A text in JSON holds no line break, so each one there is of the layout. */
function indented(value: Json, indent: string): string {
  return encodeDocument(value).slice(0, -1).replaceAll("\n", `\n${indent}`);
}
