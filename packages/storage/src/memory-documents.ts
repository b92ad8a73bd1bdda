import { createHash } from "node:crypto";
import { compareBytes } from "./byte-order.ts";
import { encodeDocument } from "./encode-document.ts";
import { StoreConflictError } from "./errors.ts";
import type { Json } from "./json.ts";
import { type JsonDraft, wholeDocument } from "./json-draft.ts";
import { checkKey, checkPrefix } from "./key.ts";
import type { Documents, Fence, Page } from "./store.ts";

/** What the parts of a store in memory ask of the whole. */
export interface MemoryGuard {
  /** Throws `STORE_CLOSED`. */
  assertOpen(): void;
  /** Throws `STORE_FENCED`. */
  assertFence(fence: Fence | undefined): void;
}

/** Documents in memory, kept as text so that nobody can change them from outside. */
export class MemoryDocuments implements Documents {
  readonly #guard: MemoryGuard;
  readonly #documents = new Map<string, { readonly text: string; readonly revision: string }>();

  constructor(guard: MemoryGuard) {
    this.#guard = guard;
  }

  async get(key: string): Promise<{ readonly value: Json; readonly revision: string } | undefined> {
    this.#guard.assertOpen();
    checkKey(key);
    const found = this.#documents.get(key);
    if (found === undefined) return undefined;
    const value: Json = JSON.parse(found.text);
    return { value, revision: found.revision };
  }

  async put(
    key: string,
    value: Json | JsonDraft,
    options: { readonly expected?: string | null; readonly fence?: Fence } = {},
  ): Promise<{ readonly revision: string }> {
    this.#guard.assertOpen();
    checkKey(key);
    const text = encodeDocument(wholeDocument(value));
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

  #assertExpected(key: string, expected: string | null | undefined): void {
    if (expected === undefined) return;
    const actual = this.#documents.get(key)?.revision ?? null;
    if (actual !== expected) throw documentConflict(key, expected, actual);
  }
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
