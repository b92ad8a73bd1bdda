import { CHECKSUM_PATTERN, checksumBytes } from "@holdfast/checksum";
import { type Json, openSealed, type Store, sealDocument, timestampSchema } from "@holdfast/storage";
import * as z from "zod";
import { prettifyError } from "zod/v4/core";
import { IdempotencyError } from "./errors.ts";
import { isIdempotencyKey } from "./idempotency-key.ts";

const SCHEMA = "holdfast/once/v1";

/** A piece of work and how far it is: what is kept under its key. */
export const onceRecordSchema = z.object({
  schema: z.literal(SCHEMA).default(SCHEMA),
  key: z.string().min(1).describe("The key it was called with"),
  inputs_sha256: z.string().regex(CHECKSUM_PATTERN).describe("Of the canonical JSON of its inputs"),
  state: z.enum(["intent", "done", "failed"]).describe("intent: begun, and no outcome recorded yet"),
  attempt: z.int().min(1).describe("How often it was begun"),
  claim: z
    .object({ queue: z.string(), id: z.string(), token: z.int() })
    .describe("What its runner holds; without a living holder an intent is in doubt"),
  worker: z.string().describe("Who began it last, or settled it"),
  started_at: timestampSchema,
  finished_at: timestampSchema.optional(),
  result: z.unknown().optional().describe("Of work that is done; absent when it gave nothing"),
  failure: z
    .object({ name: z.string(), message: z.string(), code: z.string().optional() })
    .optional()
    .describe("Of work that failed"),
});
/** A piece of work and how far it is: what is kept under its key. */
export type OnceRecord = z.output<typeof onceRecordSchema>;

/** Where a key's record is kept. */
export interface OncePlace {
  readonly key: string;
  /** 64 hex digits: the key's own when it is an idempotency key, the SHA-256 of any other. */
  readonly hex: string;
  /** Of the document. */
  readonly document: string;
}

/** First part of the keys of all records. */
export const ONCE_PREFIX = "idempotency/";

/**
 * Finds the place of a key.
 *
 * @throws {TypeError} When the key is empty, or a text that has no UTF-8.
 */
export function oncePlaceOf(key: string): OncePlace {
  if (typeof key !== "string" || key === "")
    throw new TypeError("Cannot use an idempotency key: it must be a text that is not empty");
  if (!key.isWellFormed()) throw new TypeError("Cannot use an idempotency key: it holds a lone surrogate");
  const hex = isIdempotencyKey(key) ? key.slice("ik:".length) : checksumBytes(key).slice("sha256:".length);
  return { key, hex, document: `${ONCE_PREFIX}${hex.slice(0, 2)}/${hex.slice(2)}` };
}

/** A record as it was read, with the revision that a change of it must expect. */
export interface StoredOnceRecord {
  readonly record: OnceRecord;
  readonly revision: string;
}

/**
 * Reads the record of a document, `undefined` when there is none.
 *
 * @param options - `durable`: what it says is on stable storage when it resolves, for who acts on it.
 * @throws {IdempotencyError} `ONCE_DAMAGED`, `ONCE_NEWER_VERSION`.
 */
export async function readOnceRecord(
  store: Store,
  document: string,
  options: { readonly durable?: boolean } = {},
): Promise<StoredOnceRecord | undefined> {
  // A result that reading would change is no result.
  const found = await store.documents.get(document, { ...options, exact: true });
  if (found === undefined) return undefined;
  const path = store.locate({ document });
  const { value, seal } = openSealed(found.value);
  const version = schemaOf(value);
  if (version !== undefined && /^holdfast\/once\/v(?:[2-9]|\d\d+)$/.test(version)) {
    const message = `Cannot read "${path}": it is "${version}", written by a newer version; update @holdfast/idempotency`;
    throw new IdempotencyError("ONCE_NEWER_VERSION", message, { path });
  }
  const parsed = onceRecordSchema.safeParse(value);
  const isHere =
    parsed.success && parsed.data.key.isWellFormed() && oncePlaceOf(parsed.data.key).document === document;
  if (isHere && seal !== "broken") return { record: parsed.data, revision: found.revision };
  const fault = !parsed.success
    ? prettifyError(parsed.error)
    : isHere
      ? "it was changed after it was written"
      : "its key belongs to another place";
  throw new IdempotencyError(
    "ONCE_DAMAGED",
    `Cannot read "${path}": it is no record of work (${fault}); restore it, or remove it to run the work again`,
    {
      path,
      ...(parsed.success ? {} : { cause: parsed.error }),
    },
  );
}

/** A record as the store takes it: without what is absent, and sealed, because what it recorded is given without asking again. */
export function documentOf(record: OnceRecord): Json {
  const json: { readonly [name: string]: Json } = JSON.parse(JSON.stringify(record));
  return sealDocument(json);
}

function schemaOf(value: Json): string | undefined {
  const parsed = z.object({ schema: z.string() }).safeParse(value);
  return parsed.success ? parsed.data.schema : undefined;
}
