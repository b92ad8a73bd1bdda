import { isUtf8 } from "node:buffer";
import { dirname } from "node:path";
import { checksumBytes } from "@holdfast/checksum";
import {
  ensureDirectorySync,
  type FileSystem,
  type OpenFile,
  parseJsonStrict,
  writeFileAtomic,
  writeFileAtomicSync,
} from "@holdfast/fsutil";
import { StoreDamagedError } from "./errors.ts";
import type { ExclusiveSection } from "./exclusive-section.ts";
import type { FolderSyncer } from "./folder-syncer.ts";
import type { Json } from "./json.ts";
import type { StoreFolder } from "./store-folder.ts";

// Up to here a blocking write costs less than the way through the thread pool.
const SYNC_BYTES = 256 * 1024;

/** The bytes of a file in a store; `undefined` when there is none. */
export async function readStoreFile(folder: StoreFolder, relative: string): Promise<Buffer | undefined> {
  const file = folder.open(relative);
  if (file === undefined) return undefined;
  try {
    const { size } = file.statSync();
    const bytes = Buffer.allocUnsafe(size);
    let done = 0;
    while (done < size) {
      const room = bytes.subarray(done);
      const count = size <= SYNC_BYTES ? file.readSync(room, done) : await file.read(room, done);
      if (count === 0) break;
      done += count;
    }
    return bytes.subarray(0, done);
  } finally {
    file.closeSync();
  }
}

const FIRST_BYTES = 16 * 1024;
const PIECE_BYTES = 64 * 1024;

/** The bytes of a file in a store, piece by piece: a short one first, for who looks at the beginning alone. Closes the file. */
export async function* readFilePieces(file: OpenFile, signal?: AbortSignal): AsyncGenerator<Buffer> {
  try {
    for (let at = 0; ; ) {
      signal?.throwIfAborted();
      const room = Buffer.allocUnsafe(at === 0 ? FIRST_BYTES : PIECE_BYTES);
      const count = at === 0 ? file.readSync(room, at) : await file.read(room, at);
      if (count === 0) return;
      yield room.subarray(0, count);
      at += count;
    }
  } finally {
    file.closeSync();
  }
}

/** The revision of a document: the checksum of its bytes. */
export function revisionOf(bytes: Uint8Array): string {
  return checksumBytes(bytes);
}

/** Revision of a file of a store as it is now; `null` when there is none. Reads it, by blocking calls. */
export function currentRevision(folder: StoreFolder, relative: string): string | null {
  const file = folder.open(relative);
  if (file === undefined) return null;
  try {
    const bytes = Buffer.allocUnsafe(file.statSync().size);
    let done = 0;
    while (done < bytes.length) {
      const count = file.readSync(bytes.subarray(done), done);
      if (count === 0) break;
      done += count;
    }
    return revisionOf(bytes.subarray(0, done));
  } finally {
    file.closeSync();
  }
}

/**
 * The value of a document's bytes.
 *
 * @param options - `exact`: refuses also what reading would change.
 * @throws {StoreDamagedError} with line and offset, when they are not JSON.
 */
export function decodeDocument(
  bytes: Buffer,
  path: string,
  options: { readonly exact?: boolean } = {},
): Json {
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what it parsed is JSON
    if (options.exact === true) return parseJsonStrict(bytes, { path }) as Json;
    if (!isUtf8(bytes)) throw new SyntaxError("it is not UTF-8");
    const text = bytes.toString("utf8");
    const value: Json = JSON.parse(text.startsWith("\uFEFF") ? text.slice(1) : text);
    return value;
  } catch (error) {
    throw damagedDocument(bytes, path, error);
  }
}

function damagedDocument(bytes: Buffer, path: string, cause: unknown): StoreDamagedError {
  const advice = "restore it from a copy, or run repair";
  try {
    parseJsonStrict(bytes, { path });
  } catch (error) {
    if (error instanceof Error && "line" in error && typeof error.line === "number") {
      const options = { path, line: error.line, cause: error };
      return new StoreDamagedError(`${error.message}; ${advice}`, options);
    }
  }
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new StoreDamagedError(`Cannot read "${path}": ${detail}; ${advice}`, { path, cause });
}

function isShort(content: Uint8Array | AsyncIterable<Uint8Array>): content is Uint8Array {
  return content instanceof Uint8Array && content.length <= SYNC_BYTES;
}

/** What {@link publishFile} needs. */
export interface PublishOptions {
  /** Keeps other processes out while `check` and the rename happen. */
  readonly section: ExclusiveSection;
  /** Makes the name durable. */
  readonly syncer: FolderSyncer;
  /** Runs right before the rename; what it throws leaves everything as it was. */
  readonly check?: () => void;
}

/**
 * Writes a file of a store: whole or not at all, durable when it resolves, and in one piece with a check.
 *
 * @param path - As `pathOf` gives it.
 */
export async function publishFile(
  fileSystem: FileSystem,
  path: string,
  content: Uint8Array | AsyncIterable<Uint8Array>,
  { section, syncer, check }: PublishOptions,
): Promise<void> {
  const folder = dirname(path);
  syncer.assertTrusted(folder);
  // Whoever made the folder may have died before its name was durable.
  ensureDirectorySync(folder, { fileSystem });
  const aroundRename = (rename: () => void): void => {
    section.run(() => {
      check?.();
      rename();
    });
  };
  const options = { fileSystem, durability: "data", aroundRename } as const;
  if (isShort(content)) writeFileAtomicSync(path, content, options);
  else await writeFileAtomic(path, content, options);
  if (isShort(content)) syncer.syncNow(folder);
  else await syncer.sync(folder);
}
