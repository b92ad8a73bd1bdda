import { dirname } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { ensureDirectorySync, type FileSystem, nodeFileSystem } from "@holdfast/fsutil";
import { StoreError } from "./errors.ts";
import { sqlite } from "./sqlite.ts";

const SQLITE_BUSY = 5;

/**
 * Keeps processes apart for a moment: the kernel's lock on an SQLite file that nothing but SQLite opens. It takes some
 * microseconds and is free as soon as its holder dies. What runs inside is synchronous, so that callers within a process are kept
 * apart as well.
 */
export class ExclusiveSection {
  readonly #path: string;
  readonly #fileSystem: FileSystem;
  readonly #waitMs: number;
  #database: DatabaseSync | undefined;
  #inode: bigint | undefined;

  /** `waitMs`: how long to wait, blocking, for other processes; their turns are as short as ours. */
  constructor(path: string, fileSystem: FileSystem, waitMs = 10_000) {
    this.#path = path;
    this.#fileSystem = fileSystem;
    this.#waitMs = waitMs;
  }

  /** Runs `work` while no other process runs one. */
  run<T>(work: () => T): T {
    // SQLite works on the real disk only; a simulated one belongs to this process.
    if (this.#fileSystem !== nodeFileSystem) return work();
    const database = this.#begin();
    try {
      return work();
    } finally {
      database.exec("ROLLBACK");
    }
  }

  close(): void {
    this.#database?.close();
    this.#database = undefined;
  }

  #begin(): DatabaseSync {
    for (let attempt = 0; ; attempt += 1) {
      const database = (this.#database ??= this.#open());
      try {
        database.exec("BEGIN EXCLUSIVE");
      } catch (error) {
        this.close();
        throw lockError(this.#path, error);
      }
      // The file can be deleted with the rest of the index; a lock on what has no name keeps nobody out.
      const now = this.#fileSystem.lstatSync(this.#path)?.ino;
      if (now === this.#inode || attempt > 10) return database;
      this.close();
    }
  }

  #open(): DatabaseSync {
    ensureDirectorySync(dirname(this.#path), { fileSystem: this.#fileSystem });
    try {
      this.#fileSystem.openSync(this.#path, "create", 0o600).closeSync();
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    }
    this.#inode = this.#fileSystem.lstatSync(this.#path)?.ino;
    let database: DatabaseSync | undefined;
    try {
      database = new (sqlite().DatabaseSync)(this.#path, { timeout: this.#waitMs });
      database.exec("PRAGMA journal_mode = MEMORY");
      return database;
    } catch (error) {
      database?.close();
      throw lockError(this.#path, error);
    }
  }
}

function lockError(path: string, error: unknown): StoreError {
  const busy =
    error instanceof Error &&
    "errcode" in error &&
    typeof error.errcode === "number" &&
    (error.errcode & 0xff) === SQLITE_BUSY;
  const state = busy
    ? "another process is in the middle of a write and does not go on; wake or end it"
    : "the file system gives no locks; keep the store on a local disk";
  return new StoreError("STORE_IO", `Cannot lock "${path}": ${state}`, { path, cause: error });
}
