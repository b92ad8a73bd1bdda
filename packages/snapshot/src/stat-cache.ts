import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { type Json, type JsonDraft, JsonList, type Store } from "@holdfast/storage";

import { ColumnText } from "./column-text.ts";
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

const FORMAT = "holdfast/stat-cache/v3";
/** Of a column in one text: nothing is held twice as a whole while a cache is written. */
const PIECE_BYTES = 48 * 1024;

/** Where the cache of a workspace is kept; `scope` is the workspace and what is taken of it. It can be deleted any time. */
function keyOf(scope: string): string {
  return `index/stat-cache/${createHash("sha256").update(scope).digest("hex").slice(0, 32)}`;
}

/** Loads a cache; one that is missing, damaged or of another format is as good as none. */
export async function loadStatCache(store: Store, scope: string): Promise<StatCache | undefined> {
  try {
    const found = await store.documents.getBytes(keyOf(scope));
    return found === undefined ? undefined : decode(new ColumnText(found.bytes));
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
  const crc = crcOf({ id, contents }, columns, names);
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

/** A checksum of everything that is kept. */
function crcOf(
  { id, contents }: Pick<StatCache, "id" | "contents">,
  columns: { readonly [name: string]: readonly Buffer[] },
  names: readonly string[],
): number {
  const head = crc32(`${id} ${contents}`);
  const ofColumns = Object.values(columns)
    .flat()
    .reduce((crc, part) => crc32(part, crc), head);
  return names.reduce((crc, piece) => crc32(piece, crc), ofColumns);
}

function decode(text: ColumnText): StatCache | undefined {
  const head = new Map<string, unknown>(Object.entries(Object(text.before("kinds"))));
  const id = head.get("snapshot_id");
  if (head.get("schema") !== FORMAT || typeof id !== "string") return undefined;
  const contents = head.get("contents") === true;
  // In the order in which they are written.
  const kinds = text.column("kinds");
  const flags = text.column("flags");
  const aux = new Uint32Array(text.column("aux").buffer);
  const ends = new Uint32Array(text.column("ends").buffer);
  const stats = new BigInt64Array(text.column("stats").buffer);
  const digests = Buffer.from(text.column("digests").buffer);
  const names = NameList.from(ends, text.lastList("names").map(asText));
  const index = names && TreeIndex.from({ kinds, flags, aux, stats, digests, names });
  if (index === undefined) return undefined;
  const crc = crcOf({ id, contents }, columnsOf(index), index.names.allPieces());
  return crc === head.get("crc32") ? { id, contents, index } : undefined;
}

function asText(piece: unknown): string {
  if (typeof piece !== "string") throw new TypeError("It is no text");
  return piece;
}
