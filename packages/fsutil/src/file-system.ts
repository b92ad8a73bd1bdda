import type { SyncPace } from "./sync-pace.ts";

/** What `stat` tells about a name; times are nanoseconds since 1970. */
export interface FileStat {
  readonly kind: "file" | "directory" | "symlink" | "other";
  readonly size: number;
  readonly mode: number;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly ino: bigint;
  readonly dev: bigint;
}

/** How an existing or new file is opened: `read`; `append` (created when missing); `create` (must not exist); `update` (must exist). */
export type OpenMode = "read" | "append" | "create" | "update";

/** What a sync covers: `full` is fsync, `data` is fdatasync. */
export type SyncKind = "full" | "data";

/**
 * An open file of a {@link FileSystem}. Short calls come synchronous and asynchronous: a thread-pool hop costs more
 * than a small write, and a long sync must not stop the process.
 *
 * A write returns how many bytes it wrote, which can be fewer than asked for without an error (a disk that fills);
 * callers must look at the count.
 */
export interface OpenFile {
  readonly path: string;
  readSync(buffer: Uint8Array, position: number): number;
  read(buffer: Uint8Array, position: number): Promise<number>;
  /** Writes at the end for `append` files, at `position` otherwise. */
  writeSync(data: Uint8Array, position: number): number;
  write(data: Uint8Array, position: number): Promise<number>;
  syncSync(kind: SyncKind): void;
  sync(kind: SyncKind): Promise<void>;
  truncateSync(length: number): void;
  statSync(): FileStat;
  chmodSync(mode: number): void;
  closeSync(): void;
}

/**
 * The operations on files that Holdfast is built from: the one seam through which everything is written, so that a
 * simulated disk can stand in for the real one and fail any call of it.
 *
 * Errors are Node's system errors (`code`, `errno`, `syscall`, `path`), unchanged.
 */
export interface FileSystem {
  /** How its syncs are done, by how long they took lately; without it, those that are waited for are done in the thread pool. */
  readonly syncPace?: SyncPace;
  openSync(
    path: string,
    mode: OpenMode,
    permissions?: number,
    options?: { readonly noFollow?: boolean },
  ): OpenFile;
  renameSync(from: string, to: string): void;
  linkSync(existing: string, path: string): void;
  unlinkSync(path: string): void;
  /** One level; fails with EEXIST when the name is taken. */
  mkdirSync(path: string, permissions: number): void;
  rmdirSync(path: string): void;
  /** Names in no particular order, without `.` and `..`. */
  readdirSync(path: string): string[];
  /** The name itself; `undefined` when there is none. */
  lstatSync(path: string): FileStat | undefined;
  /** What the name leads to through symlinks; `undefined` when there is none. */
  statSync(path: string): FileStat | undefined;
  realpathSync(path: string): string;
  utimesSync(path: string, mtimeNs: bigint): void;
  /** Makes the names in a folder durable; tolerates file systems that cannot (EINVAL, ENOTSUP), nothing else. */
  syncDirectorySync(path: string): void;
  syncDirectory(path: string): Promise<void>;
}
