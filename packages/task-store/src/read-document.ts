import { type Json, openSealed, type Store, StoreDamagedError } from "@holdfast/storage";
import type { ZodType } from "zod";

/** A document as it stands in a store, and the revision of the store. */
export interface Stored<T> {
  readonly value: T;
  readonly revision: string;
}

/** A document as it was read. */
export interface ReadDocument<T> extends Stored<T> {
  /** Whether something changed it after it was written. One that was never sealed is not known to be changed. */
  readonly isEdited: boolean;
}

/** Why a document cannot be taken: damage, or a format of a later version. */
interface DocumentProblem {
  readonly kind: "damaged" | "newer";
  readonly place: string;
  readonly reason: string;
  readonly cause: unknown;
}

/** What reads a kind of document. */
export interface DocumentReader<T> {
  readonly schema: ZodType<T>;
  /** Name in `holdfast/<name>/v1`. */
  readonly name: string;
  /** Whether a document that was changed after it was written is refused; otherwise `verify` tells of it. */
  readonly sealed: boolean;
  /** Makes the error of the package. */
  readonly error: (problem: DocumentProblem) => Error;
}

const EDITED =
  'it was changed after it was written: its "document_sha256" is not the checksum of the rest; restore it from a copy, or remove that field to take it as it is';

/**
 * Reads a document; `undefined` when there is none. One without a `schema` field is of version 1; one of a later version is refused with
 * the version it needs.
 */
export async function readDocument<T>(
  store: Store,
  key: string,
  reader: DocumentReader<T>,
): Promise<ReadDocument<T> | undefined> {
  const found = await getDocument(store, key, reader);
  if (found === undefined) return undefined;
  const { revision } = found;
  const { value, seal } = openSealed(found.value);
  const version = laterVersion(value, reader.name);
  if (version !== undefined) {
    const reason = `it is of version ${version}, and this program knows version 1; use a newer one`;
    throw reader.error({ kind: "newer", place: store.locate({ document: key }), reason, cause: undefined });
  }
  const parsed = reader.schema.safeParse(value);
  if (!parsed.success) throw damaged(store, key, reader, describeIssue(parsed.error.issues), parsed.error);
  const isEdited = seal === "broken";
  if (reader.sealed && isEdited) throw damaged(store, key, reader, EDITED);
  return { value: parsed.data, revision, isEdited };
}

/** Makes the error for a document that is not what it should be. */
export function damaged<T>(
  store: Store,
  key: string,
  reader: DocumentReader<T>,
  reason: string,
  cause?: unknown,
): Error {
  return reader.error({ kind: "damaged", place: store.locate({ document: key }), reason, cause });
}

/** The first thing that is wrong with a value, in words. */
export function describeIssue(
  issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[],
): string {
  const [issue] = issues;
  if (issue === undefined) return "it has another form";
  const place = issue.path.length === 0 ? "$" : `$.${issue.path.map(String).join(".")}`;
  return `"${place}": ${issue.message}`;
}

async function getDocument<T>(
  store: Store,
  key: string,
  reader: DocumentReader<T>,
): Promise<Stored<Json> | undefined> {
  try {
    return await store.documents.get(key, { exact: true });
  } catch (error) {
    if (!(error instanceof StoreDamagedError)) throw error;
    throw damaged(store, key, reader, error.message, error);
  }
}

function laterVersion(value: Json, name: string): number | undefined {
  if (typeof value !== "object" || value === null || !("schema" in value)) return undefined;
  const { schema } = value;
  if (typeof schema !== "string" || !schema.startsWith(`holdfast/${name}/v`)) return undefined;
  const version = Number(schema.slice(`holdfast/${name}/v`.length));
  return Number.isSafeInteger(version) && version > 1 ? version : undefined;
}
