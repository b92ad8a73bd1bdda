import { asFileError, toleratesNoDirectorySync } from "./errors.ts";
import type { FileSystem } from "./file-system.ts";
import { nodeFileSystem } from "./node-file-system.ts";

/**
 * Makes the names in a folder durable: files made, renamed and removed in it survive power loss.
 *
 * @param path - The folder.
 * @param options - `fileSystem`: what to work on, default the disk.
 * @throws {FileError} `FILE_MISSING`, `FILE_NO_SPACE`, `FILE_IO`. File systems that cannot sync a folder (EINVAL, ENOTSUP) are tolerated.
 * @see {@link https://man7.org/linux/man-pages/man2/fsync.2.html | fsync(2)}: syncing a file does not sync its name.
 */
export async function syncDirectory(
  path: string,
  options: { readonly fileSystem?: FileSystem } = {},
): Promise<void> {
  const { fileSystem = nodeFileSystem } = options;
  try {
    await fileSystem.syncDirectory(path);
  } catch (error) {
    if (!toleratesNoDirectorySync(error)) throw asFileError("sync the folder", path, error);
  }
}

/** {@link syncDirectory} by a synchronous call: it blocks for as long as the disk takes. */
export function syncDirectorySync(path: string, options: { readonly fileSystem?: FileSystem } = {}): void {
  const { fileSystem = nodeFileSystem } = options;
  try {
    fileSystem.syncDirectorySync(path);
  } catch (error) {
    if (!toleratesNoDirectorySync(error)) throw asFileError("sync the folder", path, error);
  }
}
