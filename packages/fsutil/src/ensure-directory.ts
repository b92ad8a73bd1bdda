import { dirname, resolve } from "node:path";
import { asFileError, errnoOf, FileError } from "./errors.ts";
import type { FileSystem } from "./file-system.ts";
import { nodeFileSystem } from "./node-file-system.ts";
import { syncDirectory, syncDirectorySync } from "./sync-directory.ts";

/** Options of {@link ensureDirectory}. */
export interface EnsureDirectoryOptions {
  /** Permission bits of folders that are made. Default 0o700. */
  readonly mode?: number;
  /** Whether the names of new folders are made durable. Default true. */
  readonly durable?: boolean;
  /** What to work on. Default: the disk. */
  readonly fileSystem?: FileSystem;
}

interface Made {
  /** Folders that were missing, outermost first. */
  readonly created: readonly string[];
  /** Folders whose names lists changed, innermost first. */
  readonly toSync: readonly string[];
}

function refuseOther(fileSystem: FileSystem, path: string, cause: unknown): void {
  if (fileSystem.statSync(path)?.kind === "directory") return;
  throw new FileError(
    "FILE_EXISTS",
    `Cannot make the folder "${path}": the name is taken by something else`,
    {
      path,
      cause,
    },
  );
}

/** Takes back folders whose names could not be made durable: a later try must find them missing, and sync them. */
function takeBack(fileSystem: FileSystem, created: readonly string[]): void {
  for (const path of created.toReversed()) {
    try {
      fileSystem.rmdirSync(path);
    } catch {
      return; // somebody else put something into it
    }
  }
}

function makeMissing(fileSystem: FileSystem, path: string, mode: number): Made {
  const missing: string[] = [];
  let at = path;
  while (fileSystem.statSync(at) === undefined) {
    missing.push(at);
    const parent = dirname(at);
    if (parent === at) break;
    at = parent;
  }
  if (missing.length === 0) refuseOther(fileSystem, path, undefined);
  const created: string[] = [];
  const toSync: string[] = [];
  try {
    for (const folder of missing.toReversed()) {
      try {
        fileSystem.mkdirSync(folder, mode);
        created.push(folder);
      } catch (error) {
        if (errnoOf(error) !== "EEXIST") throw error;
        refuseOther(fileSystem, folder, error);
      }
      // Also where another process made it a moment ago: it may not have come to its own sync yet.
      toSync.unshift(dirname(folder));
    }
  } catch (error) {
    takeBack(fileSystem, created);
    throw error;
  }
  return { created, toSync };
}

/**
 * Makes a folder and the parents it lacks, each with mode 0700.
 *
 * When it resolves, the names of all folders it made are on stable storage, up to the first parent that existed.
 * On failure what it made is taken away again, so that a later try does not trust a name that was never synced.
 *
 * @param path - The folder.
 * @param options - `mode`: permission bits, default 0o700. `durable`: false skips the syncs.
 * @returns The outermost folder that was made, or `undefined` when the folder existed.
 * @throws {FileError} `FILE_EXISTS` (something else has the name), `FILE_PERMISSION`, `FILE_READ_ONLY`, `FILE_NO_SPACE`, `FILE_IO`.
 */
export async function ensureDirectory(
  path: string,
  options: EnsureDirectoryOptions = {},
): Promise<string | undefined> {
  const { fileSystem = nodeFileSystem, durable = true, mode = 0o700 } = options;
  const folder = resolve(path);
  try {
    const { created, toSync } = makeMissing(fileSystem, folder, mode);
    if (!durable) return created[0];
    try {
      for (const parent of toSync) await syncDirectory(parent, { fileSystem });
    } catch (error) {
      takeBack(fileSystem, created);
      throw error;
    }
    return created[0];
  } catch (error) {
    throw asFileError("make the folder", folder, error);
  }
}

/** {@link ensureDirectory} by synchronous calls. */
export function ensureDirectorySync(path: string, options: EnsureDirectoryOptions = {}): string | undefined {
  const { fileSystem = nodeFileSystem, durable = true, mode = 0o700 } = options;
  const folder = resolve(path);
  try {
    const { created, toSync } = makeMissing(fileSystem, folder, mode);
    if (!durable) return created[0];
    try {
      for (const parent of toSync) syncDirectorySync(parent, { fileSystem });
    } catch (error) {
      takeBack(fileSystem, created);
      throw error;
    }
    return created[0];
  } catch (error) {
    throw asFileError("make the folder", folder, error);
  }
}
