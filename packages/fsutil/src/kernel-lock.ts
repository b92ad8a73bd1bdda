import type { DatabaseSync } from "node:sqlite";
import { errnoOf } from "./errors.ts";
import type { FileSystem } from "./file-system.ts";
import { temporaryPath } from "./temporary-name.ts";

/** A lock the kernel takes back when the process ends, however it ends. */
export interface KernelLock {
  release(): void;
}

const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;

/**
 * `node:sqlite`, when it is first needed and where this Node has it. Older ones print a warning when it is loaded:
 * a library has no business on stderr, so that one warning is held back while the module loads (one synchronous call).
 */
function loadSqlite(): typeof import("node:sqlite") | undefined {
  const own = Object.getOwnPropertyDescriptor(process, "emitWarning");
  const emitWarning: unknown = process.emitWarning.bind(process);
  process.emitWarning = (...values: unknown[]) => {
    if (typeof emitWarning === "function" && !String(values[0]).includes("SQLite")) emitWarning(...values);
  };
  try {
    return process.getBuiltinModule("node:sqlite");
  } finally {
    if (own !== undefined) Object.defineProperty(process, "emitWarning", own);
    else Reflect.deleteProperty(process, "emitWarning");
  }
}

/** Makes the file with mode 0600 by a link: opening and closing it under its name would drop a lock this process has on it. */
function prepare(fileSystem: FileSystem, path: string): void {
  if (fileSystem.lstatSync(path) !== undefined) return;
  const temporary = temporaryPath(path);
  fileSystem.openSync(temporary, "create", 0o600, { noFollow: true }).closeSync();
  try {
    fileSystem.linkSync(temporary, path);
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
  } finally {
    fileSystem.unlinkSync(temporary);
  }
}

function isBusy(error: unknown): boolean {
  if (!(error instanceof Error) || !("errcode" in error) || typeof error.errcode !== "number") return false;
  const primary = error.errcode & 0xff;
  return primary === SQLITE_BUSY || primary === SQLITE_LOCKED;
}

/**
 * Takes the exclusive lock of an SQLite file. Nothing but SQLite may ever open that file: on POSIX, closing any other
 * descriptor of it in this process would drop the lock.
 *
 * @returns `busy` when another connection, of any process, has it; `unavailable` when this Node or this file system has no such locks.
 * @see {@link https://sqlite.org/lockingv3.html | SQLite: file locking}; {@link https://sqlite.org/howtocorrupt.html | POSIX advisory locks}
 */
export function takeKernelLock(fileSystem: FileSystem, path: string): KernelLock | "busy" | "unavailable" {
  const sqlite = loadSqlite();
  if (sqlite === undefined) return "unavailable";
  let database: DatabaseSync | undefined;
  try {
    prepare(fileSystem, path);
    database = new sqlite.DatabaseSync(path, { timeout: 0 });
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
  } catch (error) {
    database?.close();
    return isBusy(error) ? "busy" : "unavailable";
  }
  const held = database;
  return {
    release() {
      if (held.isOpen) held.close(); // ends the transaction, and with it the lock
    },
  };
}
