import { createHash } from "node:crypto";
import { compressPieces, compressText } from "./document-encoding.ts";
import { revisionOf } from "./document-file.ts";
import { encodeDocument } from "./encode-document.ts";
import type { Json } from "./json.ts";
import { draftPieces, hasLists, isDraft, type JsonDraft } from "./json-draft.ts";
import type { Bytes, Compression } from "./store.ts";

/** What is written for a document, and its revision, which is the checksum of that. */
export interface DocumentContent {
  /** Can be asked for again, when a write has to be repeated. */
  bytes(): Bytes | AsyncIterable<Bytes>;
  /** Once the bytes were written. Made when it is asked for, where the bytes are still there: few callers want it. */
  revision(): string;
}

/** @throws {RangeError} For what is no way to keep a document. */
export function checkCompression(compression: Compression | undefined): void {
  if (compression === undefined || compression === "none" || compression === "zstd") return;
  throw new RangeError(`compression is "none" or "zstd", not ${JSON.stringify(compression)}`);
}

/** @throws {TypeError} For what JSON cannot hold. */
export function contentOf(value: Json | JsonDraft, compression: Compression): DocumentContent {
  checkCompression(compression);
  if (!isDraft(value)) return new WholeContent(Buffer.from(encodeDocument(value)), compression);
  if (hasLists(value)) return new StreamedContent(() => draftPieces(value), compression);
  const pieces = [...draftPieces(value)];
  return compression === "none" ? new KeptContent(pieces) : new StreamedContent(() => pieces, compression);
}

/** A document whose text is there in one piece. */
class WholeContent implements DocumentContent {
  readonly #bytes: Bytes;
  #revision: string | undefined;
  constructor(text: Buffer, compression: Compression) {
    this.#bytes = compression === "zstd" ? compressText(text) : text;
  }
  bytes(): Bytes {
    return this.#bytes;
  }
  revision(): string {
    this.#revision ??= revisionOf(this.#bytes);
    return this.#revision;
  }
}

/** A document whose text is there in pieces. */
class KeptContent implements DocumentContent {
  readonly #pieces: readonly Bytes[];
  #revision: string | undefined;
  constructor(pieces: readonly Bytes[]) {
    this.#pieces = pieces;
  }
  async *bytes(): AsyncGenerator<Bytes> {
    yield* this.#pieces;
  }
  revision(): string {
    if (this.#revision === undefined) {
      const hash = createHash("sha256");
      for (const piece of this.#pieces) hash.update(piece);
      this.#revision = `sha256:${hash.digest("hex")}`;
    }
    return this.#revision;
  }
}

/** A document whose bytes are made while they are written; its revision is known afterwards. */
class StreamedContent implements DocumentContent {
  readonly #pieces: () => Iterable<Bytes>;
  readonly #compression: Compression;
  #hash = createHash("sha256");
  #revision: string | undefined;
  constructor(pieces: () => Iterable<Bytes>, compression: Compression) {
    this.#pieces = pieces;
    this.#compression = compression;
  }
  async *bytes(): AsyncGenerator<Bytes> {
    this.#hash = createHash("sha256");
    const pieces = this.#pieces();
    for await (const piece of this.#compression === "zstd" ? compressPieces(pieces) : pieces) {
      this.#hash.update(piece);
      yield piece;
    }
  }
  revision(): string {
    this.#revision ??= `sha256:${this.#hash.digest("hex")}`;
    return this.#revision;
  }
}
