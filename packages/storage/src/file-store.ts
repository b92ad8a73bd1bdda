import { join } from "node:path";
import { type FileSystem, nodeFileSystem } from "@holdfast/fsutil";
import type { TailRepair } from "@holdfast/ndjson";
import { ExclusiveSection } from "./exclusive-section.ts";
import { FileDocuments, presentPath } from "./file-documents.ts";
import { withStoreErrors } from "./file-errors.ts";
import { FileLogs } from "./file-logs.ts";
import { FileObjects } from "./file-objects.ts";
import { FileWork } from "./file-work.ts";
import type { CheckOptions, RepairOptions, StoreFinding } from "./finding.ts";
import { FolderSyncer } from "./folder-syncer.ts";
import { checkKey, checkPrefix } from "./key.ts";
import { MAX_TEXT_BYTES } from "./log-item.ts";
import { checkObjectChecksum } from "./memory-objects.ts";
import { objectFiles } from "./object-file.ts";
import { checkStore, repairStore } from "./repair-store.ts";
import type { Documents, Fence, Holder, Logs, Objects, Place, Store, Work } from "./store.ts";
import { StoreFolder } from "./store-folder.ts";
import { type Clock, systemClock } from "./timestamp.ts";

/** Options of {@link fileStore}. */
export interface FileStoreOptions {
  /** Told when the torn tail of a log was cut off, by the first append to it. */
  readonly onRepair?: (repair: TailRepair) => void;
  /** A log is rotated before its file would grow past this many bytes; default: never. */
  readonly rotateBytes?: number;
  /** How much of a log may have to be read when it is opened after a crash, in bytes from 1; default 8 MiB. */
  readonly summaryBytes?: number;
  /** How long an append waits for another writer of its log, in milliseconds; default 5,000. */
  readonly writerWaitMs?: number;
  /** How long a log that was written without a fence is kept for this store, in milliseconds; default 200. */
  readonly writerIdleMs?: number;
  /** Where the time comes from; default {@link systemClock}. */
  readonly clock?: Clock;
  /** What to work on; default: the disk. */
  readonly fileSystem?: FileSystem;
}

/** A store in a folder of plain files. */
export interface FileStore extends Store {
  /** The folder, as an absolute path. */
  readonly root: string;
  /** What it works on: the disk, unless it was given another one. */
  readonly fileSystem: FileSystem;
  /**
   * Makes the folder a store now, rather than by its first write. One that is a store already is left as it is.
   *
   * @throws {StoreError} `STORE_NOT_A_STORE`, `STORE_NEWER_FORMAT`, `STORE_NO_SPACE`, `STORE_READ_ONLY`, `STORE_IO`
   */
  create(): Promise<void>;
  /**
   * Takes an item from a holder that cannot be judged from here (another container, another host, an unreadable record), because a
   * person knows that it is gone. Should it live after all, it is fenced off. An item that nobody holds is left as it is.
   *
   * @returns Who held it; `undefined` when nobody did.
   * @throws {StoreHeldError} `STORE_HELD` when the holder runs on this machine: end that process instead.
   */
  breakClaim(queue: string, id: string): Promise<Holder | undefined>;
  /**
   * Looks at everything that is kept, and changes nothing: documents that are no JSON, damaged lines, torn tails, objects whose
   * content has another checksum, leftovers of dead writers.
   *
   * @returns What is wrong; nothing when all is well.
   * @throws {StoreError} `STORE_NEWER_FORMAT`, `STORE_NOT_A_STORE`, `STORE_IO`
   */
  check(options?: CheckOptions): Promise<readonly StoreFinding[]>;
  /**
   * Cuts torn tails, removes leftovers and, with `salvage`, takes away what is damaged. Every byte that is taken away is kept in a
   * `.corrupt` file. What another process is writing is left alone, and said so.
   *
   * @returns What `check()` finds, with what became of it.
   * @throws {StoreError} as `check()`, `STORE_READ_ONLY`
   */
  repair(options?: RepairOptions): Promise<readonly StoreFinding[]>;
}

/**
 * A store in a folder of plain files, in the layout of the project's formats.md. Nothing is touched before the first write, which makes
 * the folder; a folder that is not there reads as an empty store.
 *
 * @param root - The folder.
 * @param options - See {@link FileStoreOptions}.
 * @returns The store; close it to give up its locks.
 */
export function fileStore(root: string, options: FileStoreOptions = {}): FileStore {
  return new FileStoreImplementation(root, options);
}

class FileStoreImplementation implements FileStore {
  readonly capabilities = { survives: "power", find: "index", maxText: MAX_TEXT_BYTES } as const;
  readonly documents: Documents;
  readonly logs: Logs;
  readonly objects: Objects;
  readonly work: Work;
  readonly #folder: StoreFolder;
  readonly #section: ExclusiveSection;
  readonly #logs: FileLogs;
  readonly #objects: FileObjects;
  readonly #work: FileWork;
  #closing: Promise<void> | undefined;

  constructor(root: string, options: FileStoreOptions) {
    const { clock = systemClock, fileSystem = nodeFileSystem, onRepair, rotateBytes, summaryBytes } = options;
    const { writerWaitMs = 5_000, writerIdleMs = 200 } = options;
    const folder = new StoreFolder(root, fileSystem, clock);
    const section = new ExclusiveSection(join(folder.root, "index", "locks", "documents.db"), fileSystem);
    const syncer = new FolderSyncer(fileSystem);
    const assertFence = (fence: Fence | undefined): void => work.assertFence(fence);
    const logs = new FileLogs(
      folder,
      { clock, onRepair, rotateBytes, summaryBytes, writerWaitMs, writerIdleMs },
      assertFence,
    );
    const work = new FileWork(folder, section, syncer, clock, (fence) => logs.closeUnder(fence));
    this.#folder = folder;
    this.#section = section;
    this.#logs = logs;
    this.#work = work;
    this.#objects = new FileObjects(folder, syncer);
    this.documents = new FileDocuments(folder, section, syncer, assertFence);
    this.logs = logs;
    this.objects = this.#objects;
    this.work = work;
  }

  get root(): string {
    return this.#folder.root;
  }

  get fileSystem(): FileSystem {
    return this.#folder.fileSystem;
  }

  locate(place: Place): string {
    if ("document" in place) {
      checkKey(place.document);
      return presentPath(this.#folder, place.document);
    }
    if ("log" in place) {
      checkKey(place.log);
      return this.#logs.locate(place.log, place.position);
    }
    checkObjectChecksum(place.object);
    const { fileSystem, root } = this.#folder;
    const files = objectFiles(place.object);
    const found = files.find(({ relative }) => fileSystem.lstatSync(join(root, relative)) !== undefined);
    return (found ?? files[0]).relative;
  }

  async create(): Promise<void> {
    this.#folder.makeStore();
  }

  async breakClaim(queue: string, id: string): Promise<Holder | undefined> {
    return this.#work.breakClaim(queue, id);
  }

  async check(options: CheckOptions = {}): Promise<readonly StoreFinding[]> {
    this.#folder.assertOpen();
    checkPrefix(options.prefix ?? "");
    return withStoreErrors("read", this.root, () => checkStore(this.#folder, this.#objects, options));
  }

  async repair(options: RepairOptions = {}): Promise<readonly StoreFinding[]> {
    this.#folder.assertOpen();
    checkPrefix(options.prefix ?? "");
    if (options.dryRun !== true) await this.#logs.rest();
    return withStoreErrors("write", this.root, () => repairStore(this.#folder, this.#objects, options));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#folder.close();
    await this.#logs.close();
    await this.#work.close();
    this.#section.close();
  }
}
