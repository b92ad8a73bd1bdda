import { type FileSystem, syncDirectory, syncDirectorySync } from "@holdfast/fsutil";
import { StoreError } from "./errors.ts";

/**
 * Makes names in folders durable; those who ask while a sync of their folder runs share the next one. A folder whose sync failed once
 * is not trusted again: the next sync could succeed without what the first one lost.
 */
export class FolderSyncer {
  readonly #fileSystem: FileSystem;
  readonly #running = new Map<string, Promise<void>>();
  readonly #failed = new Map<string, unknown>();
  readonly #next = new Map<string, Promise<void>>();

  constructor(fileSystem: FileSystem) {
    this.#fileSystem = fileSystem;
  }

  /** Resolves when a sync that began after this call has ended. */
  async sync(path: string): Promise<void> {
    this.assertTrusted(path);
    const running = this.#running.get(path);
    if (running === undefined) return this.#start(path);
    let next = this.#next.get(path);
    if (next === undefined) {
      const after = (): Promise<void> => {
        this.#next.delete(path);
        return this.#start(path);
      };
      next = running.then(after, after);
      this.#next.set(path, next);
    }
    return next;
  }

  /** {@link FolderSyncer.sync} by a blocking call: the fastest way where one caller waits. */
  syncNow(path: string): void {
    this.assertTrusted(path);
    try {
      syncDirectorySync(path, { fileSystem: this.#fileSystem });
    } catch (error) {
      this.#failed.set(path, error);
      throw error;
    }
  }

  /** @throws {StoreError} `STORE_FAILED` for a folder whose sync failed once. */
  assertTrusted(path: string): void {
    if (!this.#failed.has(path)) return;
    throw new StoreError(
      "STORE_FAILED",
      `Cannot make names in "${path}" durable: an earlier sync of it failed; find out why, close the store and open it again`,
      { path, cause: this.#failed.get(path) },
    );
  }

  #start(path: string): Promise<void> {
    const sync = this.#run(path).finally(() => {
      if (this.#running.get(path) === sync) this.#running.delete(path);
    });
    this.#running.set(path, sync);
    return sync;
  }

  async #run(path: string): Promise<void> {
    try {
      await syncDirectory(path, { fileSystem: this.#fileSystem });
    } catch (error) {
      this.#failed.set(path, error);
      throw error;
    }
  }
}
