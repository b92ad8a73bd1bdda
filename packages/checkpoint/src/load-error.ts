import { type Store, StoreError } from "@holdfast/storage";
import { CheckpointLoadError, type CheckpointLoadErrorCode } from "./errors.ts";
import { cutDocument, type DocumentText, parseDocument, type SplitDocument } from "./split-document.ts";

/** From here on it pays. */
const RELEASED_BYTES = 1024 * 1024;

/** What is being read: for messages, and to find it. */
export interface Subject {
  /** As in `Cannot load the checkpoint of turn 5`. */
  readonly what: string;
  readonly path: string;
}

/** The error for something that was read and is not what it should be. */
export function loadError(
  code: CheckpointLoadErrorCode,
  { what, path }: Subject,
  state: string,
  cause?: unknown,
): CheckpointLoadError {
  return new CheckpointLoadError(code, `Cannot load ${what} from "${path}": ${state}`, { path, cause });
}

/** What a store threw when it read a document, as an error of this package. What is wrong with the store itself passes unchanged. */
function asLoadError(error: unknown, subject: Subject): unknown {
  if (!(error instanceof StoreError)) return error;
  const { code, message } = error;
  if (code === "STORE_DAMAGED" && !isEscape(error))
    return loadError("CHECKPOINT_NOT_JSON", subject, `${message}; use another checkpoint of the run`, error);
  const isUnreadable = ["STORE_DAMAGED", "STORE_IO", "STORE_READ_ONLY", "STORE_FAILED"].includes(code);
  return isUnreadable
    ? loadError("CHECKPOINT_IO", subject, `${message}; make it readable, or move it away`, error)
    : error;
}

function isEscape(error: StoreError): boolean {
  const { cause } = error;
  return cause instanceof Error && "code" in cause && cause.code === "PATH_ESCAPE";
}

/**
 * A document, and its largest member apart; `undefined` when there is none.
 *
 * @throws {CheckpointLoadError} `CHECKPOINT_NOT_JSON`, `CHECKPOINT_IO`
 */
export async function loadDocument(
  store: Store,
  key: string,
  name: string,
  subject: Subject,
): Promise<SplitDocument | undefined> {
  try {
    const text = await loadText(store, key, name, subject);
    return text === undefined ? undefined : parseDocument(text, name);
  } catch (error) {
    throw error instanceof SyntaxError ? await notJson(store, key, subject, error) : error;
  }
}

/** Lets go of the bytes when it returns. */
async function loadText(
  store: Store,
  key: string,
  name: string,
  subject: Subject,
): Promise<DocumentText | undefined> {
  let bytes: Uint8Array | undefined;
  try {
    bytes = (await store.documents.getBytes(key))?.bytes;
  } catch (error) {
    throw asLoadError(error, subject);
  }
  if (bytes === undefined) return undefined;
  const text = cutDocument(bytes, name);
  release(bytes);
  return text;
}

/** Gives the memory of long bytes back at once: it would be kept until after the value is made, which takes several times as much. */
function release({ buffer, byteLength }: Uint8Array): void {
  const isOwn = buffer instanceof ArrayBuffer && buffer.byteLength === byteLength;
  if (isOwn && byteLength > RELEASED_BYTES) buffer.transfer(0);
}

/** The error for bytes that are no JSON, with the place in them where the store can tell. */
async function notJson(
  store: Store,
  key: string,
  subject: Subject,
  cause: unknown,
): Promise<CheckpointLoadError> {
  try {
    await store.documents.get(key);
  } catch (error) {
    const told = asLoadError(error, subject);
    if (told instanceof CheckpointLoadError) return told;
  }
  const detail = cause instanceof Error ? cause.message : String(cause);
  return loadError("CHECKPOINT_NOT_JSON", subject, `${detail}; use another checkpoint of the run`, cause);
}

/** The version of a record that a newer Holdfast wrote; `undefined` for one that this version reads. */
export function newerVersion(head: { readonly schema?: unknown }, name: string): number | undefined {
  const version = new RegExp(`^holdfast/${name}/v(\\d+)$`).exec(String(head.schema))?.[1];
  return version !== undefined && Number(version) > 1 ? Number(version) : undefined;
}
