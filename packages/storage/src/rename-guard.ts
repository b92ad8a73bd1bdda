import type { FileSystem } from "@holdfast/fsutil";

/**
 * A file system whose renames go through a function: for work that must happen in one piece with the rename that publishes a
 * file, such as comparing a revision.
 */
export function withRename(base: FileSystem, rename: (from: string, to: string) => void): FileSystem {
  return {
    openSync: (path, mode, permissions, options) => base.openSync(path, mode, permissions, options),
    renameSync: rename,
    linkSync: (existing, path) => base.linkSync(existing, path),
    unlinkSync: (path) => base.unlinkSync(path),
    mkdirSync: (path, permissions) => base.mkdirSync(path, permissions),
    rmdirSync: (path) => base.rmdirSync(path),
    readdirSync: (path) => base.readdirSync(path),
    lstatSync: (path) => base.lstatSync(path),
    statSync: (path) => base.statSync(path),
    realpathSync: (path) => base.realpathSync(path),
    utimesSync: (path, mtimeNs) => base.utimesSync(path, mtimeNs),
    syncDirectorySync: (path) => base.syncDirectorySync(path),
    syncDirectory: (path) => base.syncDirectory(path),
  };
}
