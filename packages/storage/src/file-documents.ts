import { dirname, join } from "node:path";
import { claimDirectorySync } from "@holdfast/fsutil";
import { contentOf, type DocumentContent } from "./document-content.ts";
import { textOf, textPieces } from "./document-encoding.ts";
import {
  currentRevision,
  decodeDocument,
  publishFile,
  readFilePieces,
  readStoreFile,
  revisionOf,
} from "./document-file.ts";
import { StoreConflictError } from "./errors.ts";
import type { ExclusiveSection } from "./exclusive-section.ts";
import { asStoreError, withStoreErrors } from "./file-errors.ts";
import type { FolderSyncer } from "./folder-syncer.ts";
import type { Json } from "./json.ts";
import type { JsonDraft } from "./json-draft.ts";
import { checkKey, checkPrefix } from "./key.ts";
import { documentConflict, missingDocument } from "./memory-documents.ts";
import type { Bytes, Compression, Documents, Fence, Page } from "./store.ts";
import type { StoreFolder } from "./store-folder.ts";
import { walkKeys } from "./walk-keys.ts";

const ENDING = ".json";
const COMPRESSED_ENDING = ".json.zst";

/** The path below the root of a document that is kept as it is. */
function documentPath(key: string): string {
  return key + ENDING;
}

/** The path below the root of a document that is kept compressed. */
function compressedPath(key: string): string {
  return key + COMPRESSED_ENDING;
}

/** Options of a write. */
interface PutOptions {
  readonly expected?: string | null;
  readonly fence?: Fence;
  readonly compression?: Compression;
}

/** The other form of a document came or went while it was being written. */
class FormChanged extends Error {
  override readonly name = "FormChanged";
}

/**
 * Documents as files: `K` is `K.json` or `K.json.zst`. The bytes say which form they have, the name is for people: so a document
 * changes its form by being replaced under the name it has, and renamed then, and is there all the time.
 */
export class FileDocuments implements Documents {
  readonly #folder: StoreFolder;
  readonly #section: ExclusiveSection;
  readonly #syncer: FolderSyncer;
  readonly #assertFence: (fence: Fence | undefined) => void;

  constructor(
    folder: StoreFolder,
    section: ExclusiveSection,
    syncer: FolderSyncer,
    assertFence: (fence: Fence | undefined) => void,
  ) {
    this.#folder = folder;
    this.#section = section;
    this.#syncer = syncer;
    this.#assertFence = assertFence;
  }

  async get(
    key: string,
    options: { readonly exact?: boolean; readonly durable?: boolean } = {},
  ): Promise<{ readonly value: Json; readonly revision: string } | undefined> {
    checkKey(key);
    return withStoreErrors("read", documentPath(key), async () => {
      const found = await this.#read(key);
      if (found === undefined) return undefined;
      // After the read: the name that was followed was there by then. A content is always synced before it gets its name.
      if (options.durable === true) await this.#syncer.sync(dirname(found.path));
      const value = decodeDocument(await textOf(found.stored, found.path), found.path, options);
      return { value, revision: revisionOf(found.stored) };
    });
  }

  async getBytes(key: string): Promise<{ readonly bytes: Bytes; readonly revision: string } | undefined> {
    checkKey(key);
    return withStoreErrors("read", documentPath(key), async () => {
      const found = await this.#read(key);
      if (found === undefined) return undefined;
      const { stored, path } = found;
      let revision: string | undefined;
      return {
        bytes: await textOf(stored, path),
        get revision() {
          revision ??= revisionOf(stored);
          return revision;
        },
      };
    });
  }

  async *read(key: string, options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<Bytes> {
    checkKey(key);
    const path = documentPath(key);
    try {
      const file = this.#open(key);
      if (file === undefined) throw missingDocument(this.#folder.pathOf(path));
      yield* textPieces(readFilePieces(file, options.signal), this.#folder.pathOf(path));
    } catch (error) {
      throw asStoreError(error, "read", path);
    }
  }

  async put(
    key: string,
    value: Json | JsonDraft,
    options: PutOptions = {},
  ): Promise<{ readonly revision: string }> {
    this.#folder.assertOpen();
    checkKey(key);
    const { compression = "none" } = options;
    const content = contentOf(value, compression);
    return withStoreErrors("write", documentPath(key), async () => {
      this.#folder.makeStore();
      for (;;) {
        try {
          await this.#publish(key, content, options);
          break;
        } catch (error) {
          if (!(error instanceof FormChanged)) throw error;
        }
      }
      return {
        get revision() {
          return content.revision();
        },
      };
    });
  }

  async #publish(key: string, content: DocumentContent, options: PutOptions): Promise<void> {
    const { fileSystem } = this.#folder;
    const wanted = options.compression === "zstd" ? compressedPath(key) : documentPath(key);
    const unwanted = options.compression === "zstd" ? documentPath(key) : compressedPath(key);
    const isThere = (relative: string): boolean => this.#isThere(relative);
    const hasUnwanted = isThere(unwanted);
    // A reader takes the first form that is there, so that is what a write replaces.
    const relative =
      hasUnwanted && !isThere(documentPath(key)) ? unwanted : hasUnwanted ? documentPath(key) : wanted;
    const path = this.#folder.pathOf(relative);
    const check = (): void => {
      this.#check(key, options);
      if (isThere(unwanted) !== hasUnwanted) throw new FormChanged();
    };
    try {
      this.#check(key, options); // a writer that has lost already need not write anything
      await publishFile(fileSystem, path, content.bytes(), {
        section: this.#section,
        syncer: this.#syncer,
        check,
      });
    } catch (error) {
      // The caller goes on from what stands. Whoever put that may have died before its name was durable.
      if (error instanceof StoreConflictError && fileSystem.statSync(dirname(path)) !== undefined)
        await this.#syncer.sync(dirname(path));
      throw error;
    }
    if (!hasUnwanted) return;
    this.#section.run(() => {
      if (relative !== wanted && isThere(relative)) fileSystem.renameSync(path, this.#folder.pathOf(wanted));
      else if (isThere(unwanted)) fileSystem.unlinkSync(this.#folder.pathOf(unwanted));
    });
    await this.#syncer.sync(dirname(path));
  }

  async delete(
    key: string,
    options: { readonly expected?: string; readonly fence?: Fence } = {},
  ): Promise<void> {
    checkKey(key);
    const relative = documentPath(key);
    await withStoreErrors("write", relative, async () => {
      if (!this.#folder.canRead()) {
        this.#check(key, options);
        return;
      }
      const { fileSystem } = this.#folder;
      const path = this.#folder.pathOf(relative);
      const remove = (): void => {
        this.#check(key, options);
        // What a reader takes first goes last, so that nothing older comes to light.
        for (const form of [compressedPath(key), relative])
          if (this.#isThere(form)) fileSystem.unlinkSync(this.#folder.pathOf(form));
      };
      if (fileSystem.statSync(dirname(path)) === undefined) {
        this.#check(key, options);
        return;
      }
      this.#section.run(remove);
      // Also where it was gone already: whoever removed it may have died before its sync.
      await this.#syncer.sync(dirname(path));
    });
  }

  async list(
    prefix: string,
    options: { readonly after?: string; readonly limit?: number } = {},
  ): Promise<Page<{ readonly key: string }>> {
    checkPrefix(prefix);
    const { after, limit = 1_000 } = options;
    if (!Number.isSafeInteger(limit) || limit < 1)
      throw new RangeError(`limit is a whole number from 1, not ${limit}`);
    return withStoreErrors("read", prefix, async () => {
      if (!this.#folder.canRead()) return { items: [] };
      const items: { readonly key: string }[] = [];
      for (const { key } of walkKeys(this.#folder, keyName, { prefix, after })) {
        const last = items.at(-1);
        if (items.length === limit && last !== undefined) return { items, cursor: last.key };
        items.push({ key });
      }
      return { items };
    });
  }

  async reserve(prefix: string, options: { readonly fence?: Fence } = {}): Promise<boolean> {
    checkKey(prefix);
    return withStoreErrors("write", prefix, async () => {
      this.#folder.makeStore();
      const path = this.#folder.pathOf(prefix);
      const { fileSystem } = this.#folder;
      const claim = (): boolean => {
        this.#assertFence(options.fence);
        return claimDirectorySync(path, { fileSystem });
      };
      return options.fence === undefined ? claim() : this.#section.run(claim);
    });
  }

  #isThere(relative: string): boolean {
    return this.#folder.fileSystem.lstatSync(join(this.#folder.root, relative)) !== undefined;
  }

  /** The file of a document, in whichever form. */
  #open(key: string): ReturnType<StoreFolder["open"]> {
    if (!this.#folder.canRead()) return undefined;
    const [plain, compressed] = [documentPath(key), compressedPath(key)];
    for (const relative of [plain, compressed, plain]) {
      if (relative === compressed && !this.#isThere(compressed)) continue;
      const file = this.#folder.open(relative);
      if (file !== undefined) return file;
    }
    return undefined;
  }

  /** What is kept of a document, in whichever form. */
  async #read(key: string): Promise<{ readonly stored: Buffer; readonly path: string } | undefined> {
    if (!this.#folder.canRead()) return undefined;
    const [plain, compressed] = [documentPath(key), compressedPath(key)];
    // The plain one again: the document may have changed its form between the two looks.
    for (const relative of [plain, compressed, plain]) {
      if (relative === compressed && !this.#isThere(compressed)) continue;
      const stored = await readStoreFile(this.#folder, relative);
      if (stored !== undefined) return { stored, path: this.#folder.pathOf(relative) };
    }
    return undefined;
  }

  #check(key: string, options: { readonly expected?: string | null; readonly fence?: Fence }): void {
    this.#assertFence(options.fence);
    if (options.expected === undefined) return;
    const actual =
      currentRevision(this.#folder, documentPath(key)) ?? currentRevision(this.#folder, compressedPath(key));
    if (actual !== options.expected) throw documentConflict(key, options.expected, actual);
  }
}

/**
 * The path below the root of the form of a document that is there; of the plain one when there is none, or when that cannot be seen: it is
 * asked for to tell people of a failure, which must not fail too.
 */
export function presentPath(folder: StoreFolder, key: string): string {
  const isThere = (relative: string): boolean =>
    folder.fileSystem.lstatSync(join(folder.root, relative)) !== undefined;
  const [plain, compressed] = [documentPath(key), compressedPath(key)];
  try {
    return !isThere(plain) && isThere(compressed) ? compressed : plain;
  } catch {
    return plain;
  }
}

/** The last part of a document's key from the name of its file. */
export function keyName(fileName: string): string | undefined {
  const ending = [ENDING, COMPRESSED_ENDING].find((end) => fileName.endsWith(end));
  return ending === undefined ? undefined : fileName.slice(0, -ending.length);
}
