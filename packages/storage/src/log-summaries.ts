import { readFileLimitedSync, writeFileAtomic } from "@holdfast/fsutil";
import { type LogStart, placeFromSummary } from "@holdfast/ndjson";
import { summaryPath } from "./log-index/index-files.ts";
import { logPath } from "./log-path.ts";
import type { StoreFolder } from "./store-folder.ts";

const MAX_BYTES = 16 * 1024 * 1024;

/**
 * Keeps what `openLog` tells of the files of long logs, so that the next process need not read them from their first line. A
 * summary is a note, which is checked against the log before it is used: one that cannot be kept or read is no error.
 */
export class LogSummaries {
  readonly #folder: StoreFolder;
  readonly #saving = new Map<string, { latest: string; readonly done: Promise<void> }>();

  constructor(folder: StoreFolder) {
    this.#folder = folder;
  }

  /** The summary of a log, as it was last kept. */
  load(key: string): string | undefined {
    const path = this.#pathOf(key);
    if (path === undefined) return undefined;
    const { fileSystem } = this.#folder;
    try {
      if (fileSystem.lstatSync(path)?.kind !== "file") return undefined;
      return readFileLimitedSync(path, MAX_BYTES, { fileSystem }).toString("utf8");
    } catch {
      return undefined;
    }
  }

  /** A place at or before a position, as far as a summary that fits the log knows one. */
  placeOf(key: string, position: number): LogStart | undefined {
    const text = this.load(key);
    if (text === undefined) return undefined;
    const { fileSystem } = this.#folder;
    try {
      return placeFromSummary(this.#folder.pathOf(logPath(key)), text, position, { fileSystem });
    } catch {
      return undefined; // what cannot be read is told by whoever reads the log
    }
  }

  /** Keeps a summary; of several that come while one is written, the last. */
  save(key: string, text: string): void {
    const saving = this.#saving.get(key);
    if (saving !== undefined) {
      saving.latest = text;
      return;
    }
    const entry = { latest: text, done: Promise.resolve() };
    this.#saving.set(key, entry);
    entry.done = this.#save(key, entry).finally(() => this.#saving.delete(key));
  }

  /** Resolves when nothing is being written. */
  async settled(): Promise<void> {
    await Promise.all([...this.#saving.values()].map(({ done }) => done));
  }

  async #save(key: string, entry: { readonly latest: string }): Promise<void> {
    const path = this.#pathOf(key);
    if (path === undefined) return;
    const { fileSystem } = this.#folder;
    for (let written: string | undefined; written !== entry.latest; ) {
      written = entry.latest;
      try {
        await writeFileAtomic(path, written, { durability: "data", fileSystem });
      } catch {
        return; // the next one comes soon; without one the log is read as a whole
      }
    }
  }

  /** `undefined` where a symlink would lead out of the store, or something else stands in the place of a folder. */
  #pathOf(key: string): string | undefined {
    try {
      return this.#folder.pathOf(summaryPath(key));
    } catch {
      return undefined;
    }
  }
}
