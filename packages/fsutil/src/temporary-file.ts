import { dirname } from "node:path";
import { encodeText } from "./encode-text.ts";
import { ensureDirectorySync } from "./ensure-directory.ts";
import { asFileError, errnoOf, FileError } from "./errors.ts";
import type { FileSystem, OpenFile, SyncKind } from "./file-system.ts";
import type { SyncPace } from "./sync-pace.ts";
import { temporaryPath } from "./temporary-name.ts";

// One system call writes at most 2 GiB on Linux and says so by a short count, which here means a full disk.
const MAX_WRITE_BYTES = 256 * 1024 * 1024;
/** Up to here a blocking write costs less than the way to the thread pool. */
export const SHORT_BYTES = 256 * 1024;
const SLICE_BYTES = 2 * 1024 * 1024;

function* slices(data: Uint8Array): Generator<Uint8Array, void> {
  for (let from = 0; from < data.byteLength; from += SLICE_BYTES)
    yield data.subarray(from, from + SLICE_BYTES);
}

/** The next content of a file, not yet under its name. Whoever made one calls `discard` on every way out: it does nothing after a `rename`. */
export class TemporaryFile {
  readonly #fileSystem: FileSystem;
  readonly #target: string;
  readonly #path: string;
  readonly #file: OpenFile;
  #position = 0;
  #state: "open" | "closed" | "renamed" | "discarded" = "open";

  /** Opens it beside `target`; makes the folders that are missing, durably. */
  constructor(fileSystem: FileSystem, target: string, mode: number | undefined) {
    this.#fileSystem = fileSystem;
    this.#target = target;
    const permissions = mode ?? 0o600;
    for (let attempt = 0; ; attempt++) {
      const path = temporaryPath(target);
      try {
        this.#file = fileSystem.openSync(path, "create", permissions, { noFollow: true });
        this.#path = path;
        break;
      } catch (error) {
        if (attempt > 3) throw asFileError("replace", target, error);
        if (errnoOf(error) === "ENOENT") ensureDirectorySync(dirname(target), { fileSystem });
        else if (errnoOf(error) !== "EEXIST") throw asFileError("replace", target, error);
      }
    }
    if (mode === undefined) return;
    try {
      this.#file.chmodSync(mode); // the process's umask took bits away
    } catch (error) {
      this.discard();
      throw asFileError("set the mode of", target, error);
    }
  }

  #count(written: number, asked: number): void {
    this.#position += written;
    if (written === asked) return;
    throw new FileError(
      "FILE_NO_SPACE",
      `Cannot replace "${this.#target}": only ${written} of ${asked} bytes were written; the disk may be full`,
      { path: this.#target },
    );
  }

  writeSync(data: string | Uint8Array): void {
    if (typeof data === "string") {
      for (const piece of encodeText(data, SHORT_BYTES)) this.#writeBytes(piece);
      return;
    }
    for (let from = 0; from < data.byteLength; from += MAX_WRITE_BYTES) {
      this.#writeBytes(data.subarray(from, from + MAX_WRITE_BYTES));
    }
  }

  /** Short data by a blocking call (a hop to the thread pool costs more), the rest in slices between which `check` may throw. */
  async write(data: string | Uint8Array, check: () => void): Promise<void> {
    if (data.length <= SHORT_BYTES) {
      this.writeSync(data);
      return;
    }
    for (const slice of typeof data === "string" ? encodeText(data, SLICE_BYTES) : slices(data)) {
      check();
      let written: number;
      try {
        written = await this.#file.write(slice, this.#position);
      } catch (error) {
        throw asFileError("replace", this.#target, error);
      }
      this.#count(written, slice.byteLength);
    }
  }

  #writeBytes(data: Uint8Array): void {
    this.#count(
      this.#do("replace", () => this.#file.writeSync(data, this.#position)),
      data.byteLength,
    );
  }

  syncSync(kind: SyncKind): void {
    this.#do("sync", () => this.#file.syncSync(kind));
  }

  /** @param pace - Decides whether it blocks; by default it does not. */
  async sync(kind: SyncKind, pace: SyncPace | undefined): Promise<void> {
    const inPool = (): Promise<void> => this.#file.sync(kind);
    try {
      if (pace === undefined) await inPool();
      else await pace.sync(() => this.#file.syncSync(kind), inPool);
    } catch (error) {
      throw asFileError("sync", this.#target, error);
    }
  }

  close(): void {
    this.#state = "closed";
    this.#do("close", () => this.#file.closeSync());
  }

  rename(): void {
    this.#do("replace", () => this.#fileSystem.renameSync(this.#path, this.#target));
    this.#state = "renamed";
  }

  /** Closes and removes it, unless it has its name already. Errors are left out: another one is on its way to the caller. */
  discard(): void {
    if (this.#state === "renamed" || this.#state === "discarded") return;
    const open = this.#state === "open";
    this.#state = "discarded";
    try {
      if (open) this.#file.closeSync();
    } catch {
      // removed all the same
    }
    try {
      this.#fileSystem.unlinkSync(this.#path);
    } catch {
      // removeLeftovers() finds it when this process is gone
    }
  }

  #do<T>(action: string, operation: () => T): T {
    try {
      return operation();
    } catch (error) {
      throw asFileError(action, this.#target, error);
    }
  }
}
