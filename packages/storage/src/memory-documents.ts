import { createHash } from "node:crypto";
import { parseJsonStrict } from "@holdfast/fsutil";
import { compareBytes } from "./byte-order.ts";
import { checkCompression } from "./document-content.ts";
import { encodeDocument } from "./encode-document.ts";
import { StoreConflictError, StoreDamagedError, StoreError } from "./errors.ts";
import type { Json } from "./json.ts";
import { draftPieces, isDraft, type JsonDraft } from "./json-draft.ts";
import { checkKey, checkPrefix } from "./key.ts";
import type { Bytes, Compression, Documents, Fence, Page } from "./store.ts";

const PIECE_BYTES = 16 * 1024;

/** What the parts of a store in memory ask of the whole. */
export interface MemoryGuard {
  /** Throws `STORE_CLOSED`. */
  assertOpen(): void;
  /** Throws `STORE_FENCED`. */
  assertFence(fence: Fence | undefined): void;
}

/** Keys of the logs that start with a prefix. */
type ListLogs = (prefix: string) => Promise<readonly string[]>;

/** Documents in memory, kept as text so that nobody can change them from outside. */
export class MemoryDocuments implements Documents {
  readonly #guard: MemoryGuard;
  readonly #listLogs: ListLogs;
  readonly #documents = new Map<string, { readonly text: string; readonly revision: string }>();
  readonly #reserved = new Set<string>();

  constructor(guard: MemoryGuard, listLogs: ListLogs) {
    this.#guard = guard;
    this.#listLogs = listLogs;
  }

  async get(
    key: string,
    options: { readonly exact?: boolean; readonly durable?: boolean } = {},
  ): Promise<{ readonly value: Json; readonly revision: string } | undefined> {
    this.#guard.assertOpen();
    checkKey(key);
    const found = this.#documents.get(key);
    if (found === undefined) return undefined;
    try {
      if (options.exact === true) parseJsonStrict(found.text, { path: key });
      const value: Json = JSON.parse(found.text);
      return { value, revision: found.revision };
    } catch (error) {
      // Only a text that its caller vouched for.
      const what =
        options.exact === true ? "it is not JSON that can be read without a change" : "it is not JSON";
      throw new StoreDamagedError(`Cannot read the document "${key}": ${what}; put it again`, {
        path: key,
        cause: error,
      });
    }
  }

  async getBytes(key: string): Promise<{ readonly bytes: Bytes; readonly revision: string } | undefined> {
    this.#guard.assertOpen();
    checkKey(key);
    const found = this.#documents.get(key);
    return found === undefined ? undefined : { bytes: Buffer.from(found.text), revision: found.revision };
  }

  async *read(key: string, options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<Bytes> {
    this.#guard.assertOpen();
    options.signal?.throwIfAborted();
    checkKey(key);
    const found = this.#documents.get(key);
    if (found === undefined) throw missingDocument(key);
    const bytes = Buffer.from(found.text);
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      options.signal?.throwIfAborted();
      yield bytes.subarray(at, at + PIECE_BYTES);
    }
  }

  async put(
    key: string,
    value: Json | JsonDraft,
    options: {
      readonly expected?: string | null;
      readonly fence?: Fence;
      readonly compression?: Compression;
    } = {},
  ): Promise<{ readonly revision: string }> {
    this.#guard.assertOpen();
    checkKey(key);
    checkCompression(options.compression);
    const text = isDraft(value)
      ? Buffer.concat([...draftPieces(value)]).toString("utf8")
      : encodeDocument(value);
    this.#guard.assertFence(options.fence);
    this.#assertExpected(key, options.expected);
    const revision = `sha256:${createHash("sha256").update(text).digest("hex")}`;
    this.#documents.set(key, { text, revision });
    return { revision };
  }

  async delete(
    key: string,
    options: { readonly expected?: string; readonly fence?: Fence } = {},
  ): Promise<void> {
    this.#guard.assertOpen();
    checkKey(key);
    this.#guard.assertFence(options.fence);
    this.#assertExpected(key, options.expected);
    this.#documents.delete(key);
  }

  async list(
    prefix: string,
    options: { readonly after?: string; readonly limit?: number } = {},
  ): Promise<Page<{ readonly key: string }>> {
    this.#guard.assertOpen();
    checkPrefix(prefix);
    const { after, limit = 1_000 } = options;
    if (!Number.isSafeInteger(limit) || limit < 1)
      throw new RangeError(`limit is a whole number from 1, not ${limit}`);
    const keys = [...this.#documents.keys()]
      .filter((key) => key.startsWith(prefix) && (after === undefined || compareBytes(key, after) > 0))
      .toSorted(compareBytes);
    const page = keys.slice(0, limit);
    const items = page.map((key) => ({ key }));
    const last = page.at(-1);
    return keys.length > limit && last !== undefined ? { items, cursor: last } : { items };
  }

  async reserve(prefix: string, options: { readonly fence?: Fence } = {}): Promise<boolean> {
    this.#guard.assertOpen();
    checkKey(prefix);
    const logs = await this.#listLogs(`${prefix}/`);
    this.#guard.assertOpen();
    this.#guard.assertFence(options.fence);
    const below = [...this.#documents.keys(), ...logs, ...this.#reserved];
    if (this.#reserved.has(prefix) || below.some((key) => key.startsWith(`${prefix}/`))) return false;
    this.#reserved.add(prefix);
    return true;
  }

  #assertExpected(key: string, expected: string | null | undefined): void {
    if (expected === undefined) return;
    const actual = this.#documents.get(key)?.revision ?? null;
    if (actual !== expected) throw documentConflict(key, expected, actual);
  }
}

/** The error for a document that is read and is not there. */
export function missingDocument(path: string): StoreError {
  return new StoreError("STORE_MISSING", `Cannot read "${path}": there is no such document`, { path });
}

/** The error for a document that is not as expected. */
export function documentConflict(
  key: string,
  expected: string | null,
  actual: string | null,
): StoreConflictError {
  const state =
    actual === null
      ? "it does not exist"
      : expected === null
        ? `it exists already, with revision ${actual}`
        : `its revision is ${actual}, expected was ${expected}`;
  return new StoreConflictError(
    `Cannot write the document "${key}": ${state}; read it again and repeat the change`,
    {
      path: key,
      expected,
      actual,
    },
  );
}
