import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { type Json, type JsonDraft, JsonList, type Store } from "@holdfast/storage";

import { NameList } from "./name-list.ts";
import { TreeIndex } from "./tree-index.ts";

/** What the last snapshot of a workspace left behind for the next one. */
export interface StatCache {
  /** Id of the snapshot that was taken of exactly what the index holds. */
  readonly id: string;
  /** Whether the store was given the content of every file of it. */
  readonly contents: boolean;
  readonly index: TreeIndex;
}

const FORMAT = "holdfast/stat-cache/v2";
/** Of a column in one text: nothing is held twice as a whole while a cache is written. */
const PIECE_BYTES = 48 * 1024;

/** Where the cache of a workspace is kept; `scope` is the workspace and what is taken of it. It can be deleted any time. */
function keyOf(scope: string): string {
  return `index/stat-cache/${createHash("sha256").update(scope).digest("hex").slice(0, 32)}`;
}

/** Loads a cache; one that is missing, damaged or of another format is as good as none. */
export async function loadStatCache(store: Store, scope: string): Promise<StatCache | undefined> {
  try {
    return decode((await store.documents.get(keyOf(scope)))?.value);
  } catch {
    // Nothing depends on it: without it, files are read again.
    return undefined;
  }
}

/** Keeps a cache. */
export async function saveStatCache(store: Store, scope: string, cache: StatCache): Promise<void> {
  await store.documents.put(keyOf(scope), encode(cache));
}

/** The columns of an index as the bytes that are kept, in parts. */
function columnsOf(index: TreeIndex): { readonly [name: string]: readonly Buffer[] } {
  const { count } = index;
  return {
    kinds: [bytesOf(index.kinds, count)],
    flags: [bytesOf(index.flags, count)],
    aux: [bytesOf(index.aux, count)],
    ends: [bytesOf(index.names.ends, count)],
    ...index.wideColumns(),
  };
}

function bytesOf(column: Uint8Array | Uint32Array, length: number): Buffer {
  return Buffer.from(column.buffer, column.byteOffset, length * column.BYTES_PER_ELEMENT);
}

function encode({ id, contents, index }: StatCache): JsonDraft {
  const columns = columnsOf(index);
  const names = index.names.allPieces();
  const crc = crcOf(columns, names);
  const draft: Record<string, Json | JsonList> = { schema: FORMAT, snapshot_id: id, contents, crc32: crc };
  for (const [name, parts] of Object.entries(columns)) draft[name] = new JsonList(() => bytePieces(parts));
  return { ...draft, names: new JsonList(() => names) };
}

function* bytePieces(parts: readonly Buffer[]): Generator<string> {
  for (const part of parts) {
    for (let from = 0; from < part.length; from += PIECE_BYTES) {
      yield part.toString("base64", from, from + PIECE_BYTES);
    }
  }
}

function crcOf(columns: { readonly [name: string]: readonly Buffer[] }, names: readonly string[]): number {
  const bytes = Object.values(columns).flat();
  return names.reduce(
    (crc, piece) => crc32(piece, crc),
    bytes.reduce((crc, part) => crc32(part, crc), 0),
  );
}

function decode(value: Json | undefined): StatCache | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const document = new Map(Object.entries(value));
  const id = document.get("snapshot_id");
  if (document.get("schema") !== FORMAT || typeof id !== "string") return undefined;
  const names = NameList.from(
    new Uint32Array(joined(document.get("ends")).buffer),
    pieces(document.get("names")),
  );
  const index =
    names &&
    TreeIndex.from({
      kinds: joined(document.get("kinds")),
      flags: joined(document.get("flags")),
      aux: new Uint32Array(joined(document.get("aux")).buffer),
      stats: new BigInt64Array(joined(document.get("stats")).buffer),
      digests: Buffer.from(joined(document.get("digests")).buffer),
      names,
    });
  if (index === undefined || crcOf(columnsOf(index), index.names.allPieces()) !== document.get("crc32"))
    return undefined;
  return { id, contents: document.get("contents") === true, index };
}

function pieces(value: Json | undefined): string[] {
  if (!Array.isArray(value)) throw new TypeError("It is no list of texts");
  return value.map((piece: unknown) => {
    if (typeof piece !== "string") throw new TypeError("It is no list of texts");
    return piece;
  });
}

/** Decoded into memory of its own, so that wider columns can lie over it. */
function joined(value: Json | undefined): Uint8Array<ArrayBuffer> {
  const texts = pieces(value);
  const own = Buffer.from(
    new ArrayBuffer(texts.reduce((sum, text) => sum + Buffer.byteLength(text, "base64"), 0)),
  );
  let at = 0;
  for (const text of texts) at += own.write(text, at, "base64");
  return new Uint8Array(own.buffer, 0, own.length);
}
