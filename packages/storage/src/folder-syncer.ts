import { type FileSystem, syncDirectory } from "@holdfast/fsutil";

/** Makes names in folders durable; those who ask while a sync of their folder runs share the next one. */
export class FolderSyncer {
  readonly #fileSystem: FileSystem;
  readonly #running = new Map<string, Promise<void>>();
  readonly #next = new Map<string, Promise<void>>();

  constructor(fileSystem: FileSystem) {
    this.#fileSystem = fileSystem;
  }

  /** Resolves when a sync that began after this call has ended. */
  async sync(path: string): Promise<void> {
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

  #start(path: string): Promise<void> {
    const sync = syncDirectory(path, { fileSystem: this.#fileSystem }).finally(() => {
      if (this.#running.get(path) === sync) this.#running.delete(path);
    });
    this.#running.set(path, sync);
    return sync;
  }
}
