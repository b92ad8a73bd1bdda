import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { checksumBytes } from "@holdfast/checksum";
import { ensureDirectorySync, writeFileAtomic } from "@holdfast/fsutil";
import { StoreDamagedError } from "./errors.ts";
import { asStoreError, withStoreErrors } from "./file-errors.ts";
import type { FolderSyncer } from "./folder-syncer.ts";
import { checkObjectChecksum, missingObject } from "./memory-objects.ts";
import { compressStream, compressWhole, samplePays, WHOLE_BYTES } from "./object-encoding.ts";
import { type ObjectFile, objectFiles, objectSize, readObject } from "./object-file.ts";
import { withRename } from "./rename-guard.ts";
import type { Bytes, Objects } from "./store.ts";
import type { StoreFolder } from "./store-folder.ts";
import { namesIn } from "./walk-keys.ts";

/** How old the time of an object may become, in milliseconds, before being asked for makes it new. */
const FRESH_MS = 600_000;

interface Put {
  readonly checksum: string;
  readonly size: number;
}

/** Objects as files: `objects/<aa>/<62 hex>`, with `.zst` where compression pays. */
export class FileObjects implements Objects {
  readonly #folder: StoreFolder;
  readonly #syncer: FolderSyncer;
  readonly #putting = new Map<string, Promise<void>>();

  /** Folders in which objects were found that another one may have put and not synced. */
  readonly #found = new Set<string>();

  constructor(folder: StoreFolder, syncer: FolderSyncer) {
    this.#folder = folder;
    this.#syncer = syncer;
  }

  async put(content: Bytes | AsyncIterable<Bytes>): Promise<Put> {
    return withStoreErrors("write", "objects", async () => {
      this.#folder.makeStore();
      if (content instanceof Uint8Array) return this.#putWhole(content);
      const source = content[Symbol.asyncIterator]();
      const head = await takeHead(source);
      return head.rest === undefined
        ? this.#putWhole(head.bytes)
        : this.#putStream(continueWith(head.bytes, head.rest), head.bytes);
    });
  }

  async *get(checksum: string): AsyncGenerator<Bytes> {
    checkObjectChecksum(checksum);
    try {
      const found = this.#folder.canRead() ? this.#find(checksum) : undefined;
      const file = found && this.#folder.open(found.relative);
      if (found === undefined || file === undefined) {
        throw missingObject(checksum, join(this.#folder.root, objectFiles(checksum)[0].relative));
      }
      try {
        yield* readObject(file, found, file.path);
      } finally {
        file.closeSync();
      }
    } catch (error) {
      throw asStoreError(error, "read", checksum);
    }
  }

  async has(checksum: string): Promise<boolean> {
    checkObjectChecksum(checksum);
    return withStoreErrors("read", checksum, async () => {
      const found = this.#folder.canRead() ? this.#find(checksum) : undefined;
      if (found === undefined) return false;
      const path = this.#folder.pathOf(found.relative);
      if (!this.#freshen(path)) return false;
      this.#found.add(dirname(path));
      return true;
    });
  }

  async sync(): Promise<void> {
    // One sync for all that were found in a folder: snapshots ask for thousands.
    await withStoreErrors("write", "objects", async () => {
      for (const folder of this.#found) {
        this.#found.delete(folder); // before: what is found while the sync runs needs another one
        try {
          await this.#syncer.sync(folder);
        } catch (error) {
          this.#found.add(folder);
          throw error;
        }
      }
    });
  }

  async delete(checksum: string): Promise<void> {
    checkObjectChecksum(checksum);
    await withStoreErrors("write", checksum, async () => {
      if (!this.#folder.canRead()) return;
      await this.#putting.get(checksum)?.catch(() => undefined);
      const { fileSystem } = this.#folder;
      const paths = objectFiles(checksum).map(({ relative }) => this.#folder.pathOf(relative));
      for (const path of paths) if (fileSystem.lstatSync(path) !== undefined) fileSystem.unlinkSync(path);
      const folder = dirname(paths[0] ?? "");
      if (fileSystem.statSync(folder) !== undefined) await this.#syncer.sync(folder);
    });
  }

  async *list(): AsyncGenerator<Put> {
    try {
      if (!this.#folder.canRead()) return;
      for (const found of this.files()) {
        const file = this.#folder.open(found.relative);
        if (file === undefined) continue;
        try {
          yield { checksum: found.checksum, size: await objectSize(file, found, found.relative) };
        } finally {
          file.closeSync();
        }
      }
    } catch (error) {
      throw asStoreError(error, "read", "objects");
    }
  }

  /** The files of all objects, in the order of their checksums; of an object that is there twice, the one that is read. */
  *files(): Generator<ObjectFile> {
    const { root, fileSystem } = this.#folder;
    for (const start of namesIn(fileSystem, join(root, "objects")).toSorted()) {
      if (!/^[0-9a-f]{2}$/.test(start)) continue;
      const names = namesIn(fileSystem, join(root, "objects", start)).toSorted();
      for (const name of names) {
        const rest = /^([0-9a-f]{62})(\.zst)?$/.exec(name);
        if (rest === null || (rest[2] !== undefined && names.includes(rest[1] ?? ""))) continue;
        const isCompressed = rest[2] !== undefined;
        yield { checksum: `sha256:${start}${rest[1]}`, relative: `objects/${start}/${name}`, isCompressed };
      }
    }
  }

  #find(checksum: string): ObjectFile | undefined {
    return objectFiles(checksum).find(
      ({ relative }) => this.#folder.fileSystem.statSync(this.#folder.pathOf(relative))?.kind === "file",
    );
  }

  /**
   * Gives an object that is needed again a new time: whoever removes what nothing names goes by it, and the record that names this one
   * may come later. False: it was removed at this moment.
   */
  #freshen(path: string): boolean {
    const { fileSystem } = this.#folder;
    const now = BigInt(Date.now()) * 1_000_000n;
    try {
      const time = fileSystem.lstatSync(path)?.mtimeNs;
      if (time === undefined) return false;
      if (time < now - BigInt(FRESH_MS) * 1_000_000n) fileSystem.utimesSync(path, now);
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if (code === "ENOENT") return false;
      // Somebody else's file, or a disk that cannot be written: nothing is removed there either.
      if (code !== "EPERM" && code !== "EACCES" && code !== "EROFS") throw error;
    }
    return true;
  }

  async #putWhole(content: Bytes): Promise<Put> {
    const bytes = Uint8Array.from(content); // the caller may go on with its own
    const checksum = checksumBytes(bytes);
    const running = this.#putting.get(checksum);
    const put = running ?? this.#write(checksum, bytes).finally(() => this.#putting.delete(checksum));
    if (running === undefined) this.#putting.set(checksum, put);
    await put;
    return { checksum, size: bytes.length };
  }

  async #write(checksum: string, bytes: Bytes): Promise<void> {
    const [plain, compressed] = objectFiles(checksum);
    // Whoever made the folder may have died before its name was durable.
    const { fileSystem } = this.#folder;
    ensureDirectorySync(dirname(this.#folder.pathOf(plain.relative)), { fileSystem });
    const found = this.#find(checksum);
    if (found !== undefined && (await this.#isIntact(found))) {
      const there = this.#folder.pathOf(found.relative);
      if (this.#freshen(there)) {
        // Whoever put it may have died before its name was durable.
        await this.#syncer.sync(dirname(there));
        return;
      }
    }
    const frame = await compressWhole(bytes);
    const path = this.#folder.pathOf((frame === undefined ? plain : compressed).relative);
    await writeFileAtomic(path, frame ?? bytes, { fileSystem, durability: "data" });
    await this.#removePlain(checksum, path);
    await this.#syncer.sync(dirname(path));
  }

  async #putStream(content: AsyncIterable<Bytes>, head: Bytes): Promise<Put> {
    const { fileSystem } = this.#folder;
    const hash = createHash("sha256");
    let size = 0;
    async function* counted(): AsyncGenerator<Bytes> {
      for await (const piece of content) {
        hash.update(piece);
        size += piece.length;
        yield piece;
      }
    }
    const pays = samplePays(head);
    const folder = this.#folder;
    let checksum = "";
    let path = "";
    // The name is known when the last byte is: the rename that ends the write gives it.
    const renaming = withRename(fileSystem, (from) => {
      checksum = `sha256:${hash.digest("hex")}`;
      const [plain, compressed] = objectFiles(checksum);
      path = folder.pathOf((pays ? compressed : plain).relative);
      ensureDirectorySync(dirname(path), { fileSystem });
      fileSystem.renameSync(from, path);
    });
    const incoming = this.#folder.pathOf("objects/incoming");
    const source = pays ? compressStream(counted()) : counted();
    await writeFileAtomic(incoming, source, { fileSystem: renaming, durability: "data" });
    await this.#removePlain(checksum, path);
    await this.#syncer.sync(dirname(path));
    return { checksum, size };
  }

  /**
   * The plain form is the one that is read, so a damaged one must not stay beside a new compressed one. The compressed form is never
   * removed: of two who put the same content in two forms at once, each would remove the other's.
   */
  async #removePlain(checksum: string, kept: string): Promise<void> {
    const { fileSystem } = this.#folder;
    const path = this.#folder.pathOf(objectFiles(checksum)[0].relative);
    if (path === kept || fileSystem.lstatSync(path) === undefined) return;
    await this.#syncer.sync(dirname(kept));
    if (fileSystem.lstatSync(path) !== undefined) fileSystem.unlinkSync(path);
  }

  /** Whether the content is there as it should be; damage is mended by putting it again. */
  async #isIntact(found: ObjectFile): Promise<boolean> {
    const file = this.#folder.open(found.relative);
    if (file === undefined) return false;
    try {
      const pieces = readObject(file, found, file.path);
      while ((await pieces.next()).done !== true);
      return true;
    } catch (error) {
      if (error instanceof StoreDamagedError) return false;
      throw error;
    } finally {
      file.closeSync();
    }
  }
}

interface Head {
  readonly bytes: Bytes;
  /** What follows; `undefined` when that was all. */
  readonly rest: AsyncIterator<Bytes> | undefined;
}

async function takeHead(source: AsyncIterator<Bytes>): Promise<Head> {
  const parts: Bytes[] = [];
  for (let size = 0; size <= WHOLE_BYTES; ) {
    const next = await source.next();
    if (next.done === true) return { bytes: Buffer.concat(parts), rest: undefined };
    parts.push(Uint8Array.from(next.value));
    size += next.value.length;
  }
  return { bytes: Buffer.concat(parts), rest: source };
}

async function* continueWith(head: Bytes, rest: AsyncIterator<Bytes>): AsyncGenerator<Bytes> {
  try {
    yield head;
    for (;;) {
      const next = await rest.next();
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    await rest.return?.();
  }
}
