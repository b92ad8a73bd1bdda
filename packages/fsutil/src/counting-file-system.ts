import type { FileSystem, OpenFile } from "./file-system.ts";

/** A {@link FileSystem} that counts the bytes that are read from its files. */
export interface CountingFileSystem extends FileSystem {
  /** Bytes that were read so far, of all files. */
  readonly bytesRead: number;
}

/**
 * Wraps a file system to count what is read through it: for tests that a long file is not read as a whole.
 *
 * @param base - The file system that does the work.
 */
export function countingFileSystem(base: FileSystem): CountingFileSystem {
  let bytesRead = 0;
  const counted = (count: number): number => {
    bytesRead += count;
    return count;
  };
  const wrap = (file: OpenFile): OpenFile => ({
    path: file.path,
    readSync: (buffer, position) => counted(file.readSync(buffer, position)),
    read: async (buffer, position) => counted(await file.read(buffer, position)),
    writeSync: (data, position) => file.writeSync(data, position),
    write: (data, position) => file.write(data, position),
    syncSync: (kind) => file.syncSync(kind),
    sync: (kind) => file.sync(kind),
    truncateSync: (length) => file.truncateSync(length),
    statSync: () => file.statSync(),
    chmodSync: (mode) => file.chmodSync(mode),
    closeSync: () => file.closeSync(),
  });
  return {
    get bytesRead() {
      return bytesRead;
    },
    openSync: (...call) => wrap(base.openSync(...call)),
    renameSync: (from, to) => base.renameSync(from, to),
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
