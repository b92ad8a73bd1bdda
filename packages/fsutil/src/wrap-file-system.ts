import type { FileSystem, OpenFile } from "./file-system.ts";

/** The operations of a {@link FileSystem} and of its files, by the names that the system's calls have. */
export type FileOperation =
  | "open"
  | "rename"
  | "link"
  | "unlink"
  | "mkdir"
  | "rmdir"
  | "readdir"
  | "lstat"
  | "stat"
  | "realpath"
  | "utimes"
  | "syncDirectory"
  | "read"
  | "write"
  | "sync"
  | "truncate"
  | "fstat"
  | "chmod"
  | "close";

/** What stands between a file system and whoever uses it. `path` is the one that a call works on: of `rename` and `link` the new name. */
export interface FileSystemWrapper {
  /** Around each blocking call, also of the files that are opened. */
  readonly sync?: <T>(operation: FileOperation, path: string, run: () => T) => T;
  /** Around each call that is waited for. */
  readonly async?: <T>(operation: FileOperation, path: string, run: () => Promise<T>) => Promise<T>;
  /** Calls of the file system that are done otherwise; nothing is around them. */
  readonly own?: Partial<FileSystem>;
  /** Asked once for each file that is opened: calls of it that are done otherwise. */
  readonly ownFile?: (file: OpenFile) => Partial<OpenFile>;
}

/**
 * A file system that does what another does, but for what a wrapper changes: the one place where all calls are handed on.
 *
 * @param base - The file system that does the work.
 * @param wrapper - See {@link FileSystemWrapper}. An empty one changes nothing.
 */
export function wrapFileSystem(base: FileSystem, wrapper: FileSystemWrapper): FileSystem {
  const { sync = (_operation, _path, run) => run(), async = (_operation, _path, run) => run() } = wrapper;
  const isAroundFiles = Object.keys(wrapper).some((name) => name !== "own");
  return {
    openSync: (path, mode, permissions, options) => {
      const file = sync("open", path, () => base.openSync(path, mode, permissions, options));
      return isAroundFiles ? wrapFile(file, { ...wrapper, sync, async }) : file;
    },
    renameSync: (from, to) => sync("rename", to, () => base.renameSync(from, to)),
    linkSync: (existing, path) => sync("link", path, () => base.linkSync(existing, path)),
    unlinkSync: (path) => sync("unlink", path, () => base.unlinkSync(path)),
    mkdirSync: (path, permissions) => sync("mkdir", path, () => base.mkdirSync(path, permissions)),
    rmdirSync: (path) => sync("rmdir", path, () => base.rmdirSync(path)),
    readdirSync: (path) => sync("readdir", path, () => base.readdirSync(path)),
    lstatSync: (path) => sync("lstat", path, () => base.lstatSync(path)),
    statSync: (path) => sync("stat", path, () => base.statSync(path)),
    realpathSync: (path) => sync("realpath", path, () => base.realpathSync(path)),
    utimesSync: (path, mtimeNs) => sync("utimes", path, () => base.utimesSync(path, mtimeNs)),
    syncDirectorySync: (path) => sync("syncDirectory", path, () => base.syncDirectorySync(path)),
    syncDirectory: (path) => async("syncDirectory", path, () => base.syncDirectory(path)),
    ...wrapper.own,
  };
}

function wrapFile(
  file: OpenFile,
  { sync, async, ownFile }: FileSystemWrapper & Required<Pick<FileSystemWrapper, "sync" | "async">>,
): OpenFile {
  const { path } = file;
  return {
    path,
    readSync: (buffer, position) => sync("read", path, () => file.readSync(buffer, position)),
    read: (buffer, position) => async("read", path, () => file.read(buffer, position)),
    writeSync: (data, position) => sync("write", path, () => file.writeSync(data, position)),
    write: (data, position) => async("write", path, () => file.write(data, position)),
    syncSync: (kind) => sync("sync", path, () => file.syncSync(kind)),
    sync: (kind) => async("sync", path, () => file.sync(kind)),
    truncateSync: (length) => sync("truncate", path, () => file.truncateSync(length)),
    statSync: () => sync("fstat", path, () => file.statSync()),
    chmodSync: (mode) => sync("chmod", path, () => file.chmodSync(mode)),
    closeSync: () => sync("close", path, () => file.closeSync()),
    ...ownFile?.(file),
  };
}
