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

/** A document with lists, at its top, that are made while it is written. What is kept is plain JSON. */
export interface JsonDraft {
  readonly [name: string]: Json | JsonList;
}

const PIECE_LENGTH = 64 * 1024;

/** Whether a value is a draft: a document with a {@link JsonList} at its top. */
export function isDraft(value: Json | JsonDraft): value is JsonDraft {
  return isRecord(value) && Object.values(value).some((member) => member instanceof JsonList);
}

/** The document that a draft stands for, held whole. */
export function wholeDocument(value: Json | JsonDraft): Json {
  if (!isDraft(value)) return value;
  const members = Object.entries(value).map(([name, member]) => [
    name,
    member instanceof JsonList ? [...member] : member,
  ]);
  return Object.fromEntries(members);
}

/** The text of a draft, in pieces: together what `encodeDocument` gives for the whole document. */
export function* draftPieces(draft: JsonDraft): Generator<string> {
  let piece = "{";
  let separator = "\n";
  for (const [name, member] of Object.entries(draft)) {
    piece += `${separator}  ${JSON.stringify(name)}: `;
    separator = ",\n";
    if (!(member instanceof JsonList)) {
      piece += indented(member, "  ");
      continue;
    }
    let before = "[\n    ";
    for (const item of member) {
      piece += before + indented(item, "    ");
      before = ",\n    ";
      if (piece.length < PIECE_LENGTH) continue;
      yield piece;
      piece = "";
    }
    piece += before === "[\n    " ? "[]" : "\n  ]";
  }
  yield `${piece}\n}\n`;
}

/** A value as it stands deeper in a document. A text in JSON holds no line break, so each one there is of the layout. */
function indented(value: Json, indent: string): string {
  return encodeDocument(value).slice(0, -1).replaceAll("\n", `\n${indent}`);
}
