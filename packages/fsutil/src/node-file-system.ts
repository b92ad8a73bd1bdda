import * as fs from "node:fs";
import { toleratesNoDirectorySync } from "./errors.ts";
import type { FileStat, FileSystem, OpenFile, OpenMode, SyncKind } from "./file-system.ts";
import { SyncPace } from "./sync-pace.ts";

// O_NONBLOCK: opening a FIFO must not wait for somebody at its other end. It changes nothing for regular files.
const { O_APPEND, O_CREAT, O_DIRECTORY, O_EXCL, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR } =
  fs.constants;
const HARMLESS = (O_NONBLOCK ?? 0) | (O_NOCTTY ?? 0);

const FLAGS: Record<OpenMode, number> = {
  read: O_RDONLY | HARMLESS,
  append: O_RDWR | O_APPEND | O_CREAT | HARMLESS,
  create: O_RDWR | O_CREAT | O_EXCL | HARMLESS,
  update: O_RDWR | HARMLESS,
};

function toStat(stat: fs.BigIntStats): FileStat {
  const kind = stat.isFile()
    ? "file"
    : stat.isDirectory()
      ? "directory"
      : stat.isSymbolicLink()
        ? "symlink"
        : "other";
  return {
    kind,
    size: Number(stat.size),
    mode: Number(stat.mode & 0o7777n),
    mtimeNs: stat.mtimeNs,
    ctimeNs: stat.ctimeNs,
    ino: stat.ino,
    dev: stat.dev,
  };
}

/** A promise of a call of `node:fs` with a callback: one allocation less than `FileHandle`, and the same calls. */
function settle<T>(start: (done: (error: Error | null, value: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => {
      if (error) reject(error);
      else resolve(value);
    });
  });
}

class NodeFile implements OpenFile {
  readonly path: string;
  readonly #fd: number;
  readonly #append: boolean;
  #open = true;

  constructor(path: string, fd: number, append: boolean) {
    this.path = path;
    this.#fd = fd;
    this.#append = append;
  }

  // A descriptor number is given out again after a close: a late call must not reach another file.
  get #descriptor(): number {
    if (this.#open) return this.#fd;
    const error: NodeJS.ErrnoException = new Error(`EBADF: file is closed, '${this.path}'`);
    error.code = "EBADF";
    error.path = this.path;
    throw error;
  }

  readSync(buffer: Uint8Array, position: number): number {
    return fs.readSync(this.#descriptor, buffer, 0, buffer.byteLength, position);
  }
  async read(buffer: Uint8Array, position: number): Promise<number> {
    const fd = this.#descriptor;
    return settle<number>((done) => fs.read(fd, buffer, 0, buffer.byteLength, position, done));
  }
  writeSync(data: Uint8Array, position: number): number {
    return fs.writeSync(this.#descriptor, data, 0, data.byteLength, this.#append ? null : position);
  }
  async write(data: Uint8Array, position: number): Promise<number> {
    const fd = this.#descriptor;
    return settle<number>((done) =>
      fs.write(fd, data, 0, data.byteLength, this.#append ? null : position, done),
    );
  }
  syncSync(kind: SyncKind): void {
    if (kind === "data") fs.fdatasyncSync(this.#descriptor);
    else fs.fsyncSync(this.#descriptor);
  }
  async sync(kind: SyncKind): Promise<void> {
    const fd = this.#descriptor;
    await settle<undefined>((done) =>
      (kind === "data" ? fs.fdatasync : fs.fsync)(fd, (error) => done(error, undefined)),
    );
  }
  truncateSync(length: number): void {
    fs.ftruncateSync(this.#descriptor, length);
  }
  statSync(): FileStat {
    return toStat(fs.fstatSync(this.#descriptor, { bigint: true }));
  }
  chmodSync(mode: number): void {
    fs.fchmodSync(this.#descriptor, mode);
  }
  closeSync(): void {
    if (!this.#open) return;
    this.#open = false;
    fs.closeSync(this.#fd);
  }
}

/** Opens through `node:fs`; `directory` asks that it be a folder. For paths like `/proc/self/fd/3/name` `path` is what to say in errors. */
export function openNodeFile(
  systemPath: string,
  mode: OpenMode,
  options: { readonly path: string; readonly permissions: number; readonly noFollow: boolean },
): OpenFile {
  const flags = FLAGS[mode] | (options.noFollow ? (O_NOFOLLOW ?? 0) : 0);
  return new NodeFile(options.path, fs.openSync(systemPath, flags, options.permissions), mode === "append");
}

/** Opens a folder as a bare descriptor, to open others relative to it; the caller closes it. */
export function openNodeDirectory(systemPath: string): number {
  return fs.openSync(systemPath, O_RDONLY | (O_DIRECTORY ?? 0) | (O_NOFOLLOW ?? 0));
}

/** Closes what {@link openNodeDirectory} opened. */
export function closeNodeDirectory(fd: number): void {
  fs.closeSync(fd);
}

/**
 * The disk: the {@link FileSystem} of `node:fs`, and the default of every function here.
 *
 * Opening never waits (a FIFO without a reader answers at once) and a closed file answers `EBADF`.
 */
export const nodeFileSystem: FileSystem = {
  syncPace: /* @__PURE__ */ new SyncPace(),
  openSync: (path, mode, permissions = 0o600, options = {}) =>
    openNodeFile(path, mode, { path, permissions, noFollow: options.noFollow ?? false }),
  renameSync: (from, to) => fs.renameSync(from, to),
  linkSync: (existing, path) => fs.linkSync(existing, path),
  unlinkSync: (path) => fs.unlinkSync(path),
  mkdirSync(path, permissions) {
    fs.mkdirSync(path, { mode: permissions });
  },
  rmdirSync: (path) => fs.rmdirSync(path),
  readdirSync: (path) => fs.readdirSync(path),
  lstatSync(path) {
    const stat = fs.lstatSync(path, { bigint: true, throwIfNoEntry: false });
    return stat === undefined ? undefined : toStat(stat);
  },
  statSync(path) {
    const stat = fs.statSync(path, { bigint: true, throwIfNoEntry: false });
    return stat === undefined ? undefined : toStat(stat);
  },
  realpathSync: (path) => fs.realpathSync.native(path),
  utimesSync(path, mtimeNs) {
    // utimes takes seconds as a double: whole microseconds are what it keeps of today's times.
    const seconds = Number(mtimeNs / 1000n) / 1e6;
    fs.utimesSync(path, seconds, seconds);
  },
  syncDirectorySync(path) {
    try {
      const fd = fs.openSync(path, O_RDONLY | (O_DIRECTORY ?? 0));
      try {
        fs.fsyncSync(fd);
      } finally {
        fs.closeSync(fd);
      }
    } catch (error) {
      if (!toleratesNoDirectorySync(error)) throw error;
    }
  },
  async syncDirectory(path) {
    try {
      const fd = fs.openSync(path, O_RDONLY | (O_DIRECTORY ?? 0));
      try {
        await settle<undefined>((done) => fs.fsync(fd, (error) => done(error, undefined)));
      } finally {
        fs.closeSync(fd);
      }
    } catch (error) {
      if (!toleratesNoDirectorySync(error)) throw error;
    }
  },
};
