import { dirname, resolve } from "node:path";
import { asFileError, errnoOf, FileError } from "./errors.ts";
import type { FileSystem } from "./file-system.ts";
import { nodeFileSystem } from "./node-file-system.ts";
import { syncDirectorySync } from "./sync-directory.ts";

/** Options of {@link ensureDirectory}. */
export interface EnsureDirectoryOptions {
  /** Permission bits of folders that are made. Default 0o700. */
  readonly mode?: number;
  /** What to work on. Default: the disk. */
  readonly fileSystem?: FileSystem;
}

/**
 * A folder's mode from its making until its name is durable: 0700 with the sticky bit, which changes nothing where only
 * the owner gets in. Whoever made it can be killed in between; the next one who needs the folder sees the mark and syncs
 * the name, before it acknowledges anything in there.
 */
const NOT_DURABLE_MODE = 0o1700;

function settle(fileSystem: FileSystem, folder: string, mode: number): void {
  syncDirectorySync(dirname(folder), { fileSystem });
  const handle = fileSystem.openSync(folder, "read", 0, { noFollow: true });
  try {
    handle.chmodSync(mode);
  } finally {
    handle.closeSync();
  }
}

/**
 * Makes the name of a new folder durable, or takes the folder away again: a sync that failed may have given the name up for good, and a
 * later one would succeed without it. The next caller makes the folder anew.
 */
function settleNew(fileSystem: FileSystem, folder: string, mode: number): void {
  try {
    settle(fileSystem, folder, mode);
  } catch (error) {
    try {
      fileSystem.rmdirSync(folder);
    } catch {
      // Somebody uses it already, or the disk fails altogether.
    }
    throw error;
  }
}

/** Makes the name of a folder durable, if the one who made the folder did not come to it. */
export function settleDirectory(fileSystem: FileSystem, folder: string): void {
  try {
    if (fileSystem.statSync(folder)?.mode === NOT_DURABLE_MODE)
      settle(fileSystem, fileSystem.realpathSync(folder), 0o700);
  } catch (error) {
    throw asFileError("sync the name of", folder, error);
  }
}

/** By one call, whether there is nothing to do: every save of a document asks. */
function isSettled(fileSystem: FileSystem, folder: string): boolean {
  const stat = fileSystem.statSync(folder);
  return stat?.kind === "directory" && stat.mode !== NOT_DURABLE_MODE;
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

function makeMissing(fileSystem: FileSystem, path: string, mode: number): string | undefined {
  const missing: string[] = [];
  let existing = path;
  while (fileSystem.statSync(existing) === undefined && dirname(existing) !== existing) {
    missing.unshift(existing);
    existing = dirname(existing);
  }
  refuseOther(fileSystem, existing, undefined);
  settleDirectory(fileSystem, existing);
  let made: string | undefined;
  // From the outermost: a folder with something in it is always one whose own name is durable.
  for (const folder of missing) {
    try {
      fileSystem.mkdirSync(folder, NOT_DURABLE_MODE);
    } catch (error) {
      if (errnoOf(error) !== "EEXIST") throw error;
      // Another process was faster, and may not have come to its sync yet.
      refuseOther(fileSystem, folder, error);
      syncDirectorySync(dirname(folder), { fileSystem });
      settleDirectory(fileSystem, folder);
      continue;
    }
    made ??= folder;
    settleNew(fileSystem, folder, mode);
  }
  return made;
}

/**
 * Makes a folder and the parents it lacks, each with mode 0700.
 *
 * When it resolves, the names of all folders it made are on stable storage, up to the first parent that existed; so is
 * that of a folder whose maker was killed before it came to this.
 *
 * @param path - The folder.
 * @param options - `mode`: permission bits of new folders, default 0o700.
 * @returns The outermost folder that was made, or `undefined` when the folder existed.
 * @throws {FileError} `FILE_EXISTS` (something else has the name), `FILE_PERMISSION`, `FILE_READ_ONLY`, `FILE_NO_SPACE`, `FILE_IO`.
 */
export async function ensureDirectory(
  path: string,
  options: EnsureDirectoryOptions = {},
): Promise<string | undefined> {
  return ensureDirectorySync(path, options);
}

/** {@link ensureDirectory} by synchronous calls. */
export function ensureDirectorySync(path: string, options: EnsureDirectoryOptions = {}): string | undefined {
  const { fileSystem = nodeFileSystem, mode = 0o700 } = options;
  const folder = resolve(path);
  try {
    if (isSettled(fileSystem, folder)) return undefined;
    return makeMissing(fileSystem, folder, mode);
  } catch (error) {
    throw asFileError("make the folder", folder, error);
  }
}

/**
 * Makes a folder that nobody has made before: of several callers, in any processes, one gets it. Missing parents are made as
 * {@link ensureDirectory} does.
 *
 * When it returns true, the folder's name is on stable storage. When it throws, the folder is there or not; if it is, it is empty.
 *
 * @param path - The folder.
 * @param options - `mode`: permission bits of new folders, default 0o700.
 * @returns False when the name is taken, by whatever it is.
 * @throws {FileError} `FILE_EXISTS` (a parent is no folder), `FILE_PERMISSION`, `FILE_READ_ONLY`, `FILE_NO_SPACE`, `FILE_IO`.
 */
export function claimDirectorySync(path: string, options: EnsureDirectoryOptions = {}): boolean {
  const { fileSystem = nodeFileSystem, mode = 0o700 } = options;
  const folder = resolve(path);
  try {
    makeMissing(fileSystem, dirname(folder), mode);
    try {
      fileSystem.mkdirSync(folder, NOT_DURABLE_MODE);
    } catch (error) {
      if (errnoOf(error) === "EEXIST") return false;
      throw error;
    }
    settleNew(fileSystem, folder, mode);
    return true;
  } catch (error) {
    throw asFileError("make the folder", folder, error);
  }
}
