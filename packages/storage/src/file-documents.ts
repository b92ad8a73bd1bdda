import { createHash } from "node:crypto";
import { dirname } from "node:path";
import { currentRevision, decodeDocument, publishFile, readStoreFile, revisionOf } from "./document-file.ts";
import { encodeDocument } from "./encode-document.ts";
import { StoreConflictError } from "./errors.ts";
import type { ExclusiveSection } from "./exclusive-section.ts";
import { withStoreErrors } from "./file-errors.ts";
import type { FolderSyncer } from "./folder-syncer.ts";
import type { Json } from "./json.ts";
import { draftPieces, isDraft, type JsonDraft } from "./json-draft.ts";
import { checkKey, checkPrefix } from "./key.ts";
import { documentConflict } from "./memory-documents.ts";
import type { Documents, Fence, Page } from "./store.ts";
import type { StoreFolder } from "./store-folder.ts";
import { walkKeys } from "./walk-keys.ts";

const ENDING = ".json";

/** The path below the root of a document. */
export function documentPath(key: string): string {
  return key + ENDING;
}

/** A document whose text is there. */
class WholeContent {
  readonly #bytes: Buffer;
  constructor(value: Json) {
    this.#bytes = Buffer.from(encodeDocument(value));
  }
  bytes(): Uint8Array {
    return this.#bytes;
  }
  revision(): string {
    return revisionOf(this.#bytes);
  }
}

/** A document whose text is made while it is written; its revision is known afterwards. */
class DraftContent {
  readonly #draft: JsonDraft;
  readonly #hash = createHash("sha256");
  constructor(draft: JsonDraft) {
    this.#draft = draft;
  }
  async *bytes(): AsyncGenerator<Uint8Array> {
    for (const piece of draftPieces(this.#draft)) {
      const bytes = Buffer.from(piece);
      this.#hash.update(bytes);
      yield bytes;
    }
  }
  revision(): string {
    return `sha256:${this.#hash.digest("hex")}`;
  }
}

/** Documents as files: `K` is `K.json`. */
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

  async get(key: string): Promise<{ readonly value: Json; readonly revision: string } | undefined> {
    checkKey(key);
    const relative = documentPath(key);
    return withStoreErrors("read", relative, async () => {
      if (!this.#folder.canRead()) return undefined;
      const bytes = await readStoreFile(this.#folder, relative);
      if (bytes === undefined) return undefined;
      return { value: decodeDocument(bytes, this.#folder.pathOf(relative)), revision: revisionOf(bytes) };
    });
  }

  async put(
    key: string,
    value: Json | JsonDraft,
    options: { readonly expected?: string | null; readonly fence?: Fence } = {},
  ): Promise<{ readonly revision: string }> {
    this.#folder.assertOpen();
    checkKey(key);
    const content = isDraft(value) ? new DraftContent(value) : new WholeContent(value);
    const relative = documentPath(key);
    return withStoreErrors("write", relative, async () => {
      this.#folder.makeStore();
      const check = (): void => this.#check(key, options);
      const path = this.#folder.pathOf(relative);
      const { fileSystem } = this.#folder;
      try {
        check(); // a writer that has lost already need not write anything
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
      return { revision: content.revision() };
    });
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
        if (fileSystem.lstatSync(path) !== undefined) fileSystem.unlinkSync(path);
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

  #check(key: string, options: { readonly expected?: string | null; readonly fence?: Fence }): void {
    this.#assertFence(options.fence);
    if (options.expected === undefined) return;
    const actual = currentRevision(this.#folder, documentPath(key));
    if (actual !== options.expected) throw documentConflict(key, options.expected, actual);
  }
}

/** The last part of a document's key from the name of its file. */
export function keyName(fileName: string): string | undefined {
  return fileName.endsWith(ENDING) ? fileName.slice(0, -ENDING.length) : undefined;
}
