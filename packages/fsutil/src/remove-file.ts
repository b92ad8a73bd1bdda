import { dirname, resolve } from "node:path";
import { asFileError, errnoOf } from "./errors.ts";
import type { FileSystem } from "./file-system.ts";
import { nodeFileSystem } from "./node-file-system.ts";
import { syncDirectory } from "./sync-directory.ts";

/** Options of {@link removeFile}. */
export interface RemoveFileOptions {
  /** Whether the removal survives power loss. Default true. */
  readonly durable?: boolean;
  /** What to work on. Default: the disk. */
  readonly fileSystem?: FileSystem;
}

/**
 * Removes a file (of a symlink the link itself). When it resolves, the file stays gone after power loss.
 *
 * @returns false when there was none; its absence is made durable all the same.
 * @throws {FileError} `FILE_PERMISSION`, `FILE_READ_ONLY`, `FILE_IO` (also for a folder).
 */
export async function removeFile(path: string, options: RemoveFileOptions = {}): Promise<boolean> {
  const { fileSystem = nodeFileSystem, durable = true } = options;
  const target = resolve(path);
  let removed = true;
  try {
    fileSystem.unlinkSync(target);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw asFileError("remove", target, error);
    // Maybe another process removed it and died before its sync.
    if (fileSystem.statSync(dirname(target)) === undefined) return false;
    removed = false;
  }
  if (durable) await syncDirectory(dirname(target), { fileSystem });
  return removed;
}
