import { type FSWatcher, watch } from "node:fs";
import { basename, dirname, extname } from "node:path";

/**
 * Wakes whoever follows a log: by the system's notices of changes in its folder, and by a timer, because notices can be lost
 * and some file systems give none.
 */
export class LogWatch implements Disposable {
  readonly #path: string;
  readonly #pollMs: number;
  readonly #watches: boolean;
  #watcher: FSWatcher | undefined;
  #changed = false;
  #wake: (() => void) | undefined;

  constructor(path: string, options: { readonly pollMs: number; readonly watches: boolean }) {
    this.#path = path;
    this.#pollMs = options.pollMs;
    this.#watches = options.watches;
  }

  /** Starts to listen, where that is possible by now; call it before the log is read, so that no change falls in between. */
  listen(): void {
    this.#changed = false;
    if (!this.#watches || this.#watcher !== undefined) return;
    const name = basename(this.#path);
    const stem = name.slice(0, name.length - extname(name).length);
    try {
      this.#watcher = watch(dirname(this.#path), { persistent: true }, (_event, changed) => {
        if (changed === null || changed.startsWith(stem)) this.#note();
      });
      this.#watcher.on("error", () => this.#stopListening());
    } catch {
      this.#watcher = undefined; // no such folder yet, or no more notices to be had: the timer goes on
    }
  }

  /** Resolves when something changed since {@link LogWatch.listen}, after the poll time, or when the signal aborts. */
  async wait(signal: AbortSignal | undefined): Promise<void> {
    if (this.#changed || signal?.aborted === true) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => resolve();
    const timer = setTimeout(wake, this.#pollMs);
    this.#wake = wake;
    signal?.addEventListener("abort", wake);
    await promise;
    signal?.removeEventListener("abort", wake);
    clearTimeout(timer);
    this.#wake = undefined;
  }

  [Symbol.dispose](): void {
    this.#stopListening();
  }

  #note(): void {
    this.#changed = true;
    this.#wake?.();
  }

  #stopListening(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }
}
