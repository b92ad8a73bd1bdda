import { nodeFileSystem } from "@holdfast/fsutil";
import { logPath } from "../log-path.ts";
import type { StoreFolder } from "../store-folder.ts";
import { indexPath } from "./index-files.ts";
import { LogIndex } from "./log-index.ts";
import { PieceCache } from "./piece-cache.ts";

/** Indexes that are kept open; each holds its last lines in memory. */
const MAX_OPEN = 16;
const CACHE_BYTES = 48 * 1024 * 1024;

/** The indexes of a store's logs; those that were asked last stay open. */
export class LogIndexes {
  readonly #folder: StoreFolder;
  readonly #cache = new PieceCache(CACHE_BYTES);
  readonly #open = new Map<string, LogIndex>();
  readonly #closing = new Set<Promise<void>>();

  constructor(folder: StoreFolder) {
    this.#folder = folder;
  }

  /** The index of a log. */
  of(key: string): LogIndex {
    const known = this.#open.get(key);
    this.#open.delete(key); // the most recent at the end
    const index = known ?? this.#make(key);
    this.#open.set(key, index);
    for (const [oldest, each] of this.#open) {
      if (this.#open.size <= MAX_OPEN) break;
      this.#open.delete(oldest);
      this.#close(each);
    }
    return index;
  }

  /** Closes all; a later search opens them again. */
  async close(): Promise<void> {
    for (const each of this.#open.values()) this.#close(each);
    this.#open.clear();
    await Promise.all(this.#closing);
  }

  #make(key: string): LogIndex {
    const { fileSystem } = this.#folder;
    const databasePath = fileSystem === nodeFileSystem ? this.#databasePath(key) : undefined;
    return new LogIndex({
      path: this.#folder.pathOf(logPath(key)),
      databasePath,
      fileSystem,
      cache: this.#cache,
    });
  }

  /** `undefined` where a symlink would lead out of the store, or something else stands in the place of a folder. */
  #databasePath(key: string): string | undefined {
    try {
      return this.#folder.pathOf(indexPath(key));
    } catch {
      return undefined;
    }
  }

  #close(index: LogIndex): void {
    const closing = index.close().finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }
}
