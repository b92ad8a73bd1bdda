import { type FileSystem, wrapFileSystem } from "@holdfast/fsutil";

/**
 * A file system whose renames go through a function: for work that must happen in one piece with the rename that publishes a
 * file, such as comparing a revision.
 */
export function withRename(base: FileSystem, rename: (from: string, to: string) => void): FileSystem {
  return wrapFileSystem(base, { own: { renameSync: rename } });
}
