import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";

import type { Json, Store } from "@holdfast/storage";

import { FOLDER, TreeIndex } from "./tree-index.ts";

/** What the last snapshot of a workspace left behind for the next one. */
export interface StatCache {
  /** Id of the snapshot that was taken of exactly what the index holds. */
  readonly id: string;
  /** Whether the store was given the content of every file of it. */
  readonly contents: boolean;
  readonly index: TreeIndex;
}

const FORMAT = "holdfast/stat-cache/v1";

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

/** Columns as base64, names and digests as long texts: fast to read, and one line each. */
function encode({ id, contents, index }: StatCache): Json {
  const { count } = index;
  const columns = {
    kinds: base64Of(index.kinds.subarray(0, count)),
    flags: base64Of(index.flags.subarray(0, count)),
    aux: base64Of(index.aux.subarray(0, count)),
    stats: base64Of(index.stats.subarray(0, count * 4)),
    names: index.names.join("/"),
    digests: base64Of(index.digests.subarray(0, count * 32)),
  };
  return { schema: FORMAT, snapshot_id: id, contents, count, ...columns, crc32: crcOf(columns) };
}

function base64Of({ buffer, byteOffset, byteLength }: Uint8Array | Uint32Array | BigInt64Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("base64");
}

interface Columns {
  readonly kinds: string;
  readonly flags: string;
  readonly aux: string;
  readonly stats: string;
  readonly names: string;
  readonly digests: string;
}

function crcOf({ kinds, flags, aux, stats, names, digests }: Columns): number {
  return [kinds, flags, aux, stats, names, digests].reduce((crc, text) => crc32(text, crc), 0);
}

function decode(value: Json | undefined): StatCache | undefined {
  if (typeof value !== "object" || value === null || !("schema" in value) || value["schema"] !== FORMAT)
    return undefined;
  const text = (name: string): string => {
    const column = value[name];
    if (typeof column !== "string") throw new TypeError(`no ${name}`);
    return column;
  };
  const columns: Columns = {
    kinds: text("kinds"),
    flags: text("flags"),
    aux: text("aux"),
    stats: text("stats"),
    names: text("names"),
    digests: text("digests"),
  };
  const count = value["count"];
  if (typeof count !== "number" || value["crc32"] !== crcOf(columns)) return undefined;

  const index = new TreeIndex();
  index.count = count;
  index.kinds = bytesOf(columns.kinds);
  index.flags = bytesOf(columns.flags);
  index.aux = new Uint32Array(bytesOf(columns.aux).buffer);
  index.stats = new BigInt64Array(bytesOf(columns.stats).buffer);
  index.names = columns.names.split("/");
  index.digests = Buffer.from(columns.digests, "base64");
  for (let at = 0; at < count; at++)
    if (index.kinds[at] === FOLDER && index.after(at) > count) return undefined;
  const isWhole =
    index.kinds.length === count &&
    index.flags.length === count &&
    index.aux.length === count &&
    index.stats.length === count * 4 &&
    index.digests.length === count * 32 &&
    index.names.length === count;
  if (!isWhole) return undefined;
  return { id: text("snapshot_id"), contents: value["contents"] === true, index };
}

/** Decoded into memory of its own, so that other columns can lie over it. */
function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  const decoded = Buffer.from(base64, "base64");
  const own = new Uint8Array(decoded.length);
  own.set(decoded);
  return own;
}
