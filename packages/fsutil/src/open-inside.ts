import { existsSync } from "node:fs";
import { join } from "node:path";
import { asFileError, errnoOf, FileError, PathEscapeError } from "./errors.ts";
import type { FileSystem, OpenFile, OpenMode } from "./file-system.ts";
import { closeNodeDirectory, nodeFileSystem, openNodeDirectory, openNodeFile } from "./node-file-system.ts";
import { realParts } from "./resolve-inside.ts";

/** Options of {@link openInside}. */
export interface OpenInsideOptions {
  /** Permission bits of a file that is made. Default 0o600. */
  readonly permissions?: number;
  /** What to work on. Default: the disk. */
  readonly fileSystem?: FileSystem;
}

interface Place {
  readonly root: string;
  readonly parts: readonly string[];
  readonly path: string;
  readonly relative: string;
}

function swapped(place: Place, cause?: unknown): PathEscapeError {
  return new PathEscapeError(
    `Cannot open ${JSON.stringify(place.relative)} in "${place.root}": a part of it became a symlink while it was opened`,
    { path: place.relative, root: place.root, cause },
  );
}

/**
 * Walks from the root's descriptor to the file's, each step relative to the folder that is open already and never
 * through a symlink: `/proc/self/fd/N/name` is what openat() does, which Node has no call for.
 */
function openByWalk(place: Place, mode: OpenMode, permissions: number): OpenFile {
  let folder = openNodeDirectory(place.root);
  try {
    for (const part of place.parts.slice(0, -1)) {
      const next = openNodeDirectory(`/proc/self/fd/${folder}/${part}`);
      closeNodeDirectory(folder);
      folder = next;
    }
    const name = place.parts.at(-1) ?? ".";
    return openNodeFile(`/proc/self/fd/${folder}/${name}`, mode, {
      path: place.path,
      permissions,
      noFollow: true,
    });
  } finally {
    closeNodeDirectory(folder);
  }
}

/** Opens by name, then checks that the name still means what is open: for systems without `/proc`, and other file systems. */
function openAndCompare(fileSystem: FileSystem, place: Place, mode: OpenMode, permissions: number): OpenFile {
  const file = fileSystem.openSync(place.path, mode, permissions, { noFollow: true });
  try {
    const opened = file.statSync();
    const named = fileSystem.lstatSync(place.path);
    const same = named !== undefined && named.ino === opened.ino && named.dev === opened.dev;
    if (!same || fileSystem.realpathSync(place.path) !== place.path) throw swapped(place);
    return file;
  } catch (error) {
    file.closeSync();
    throw error;
  }
}

/**
 * Opens a regular file below a root by a path that somebody else chose. What {@link resolveInside} refuses is refused
 * here too, and so is a folder or file that somebody swaps for a symlink meanwhile: on Linux each folder is opened
 * relative to the one before, elsewhere the open file is compared with its name. A FIFO, a device or a folder is
 * refused without waiting for it.
 *
 * A hard link to a file outside cannot be told from a file inside.
 *
 * @param root - An existing folder.
 * @param relative - A path with `/` between its parts.
 * @param mode - `read`, `append`, `create` or `update`; the parent folder must exist.
 * @returns The open file; the caller closes it. Its `path` is the real one.
 * @throws {PathEscapeError} `PATH_ESCAPE`. {@link FileError} `FILE_MISSING`, `FILE_EXISTS`, `FILE_UNREADABLE` (not a
 *   regular file), `FILE_PERMISSION`, `FILE_IO`.
 * @see {@link https://pubs.opengroup.org/onlinepubs/9799919799/functions/open.html | POSIX openat(): why it exists}
 */
export async function openInside(
  root: string,
  relative: string,
  mode: OpenMode,
  options: OpenInsideOptions = {},
): Promise<OpenFile> {
  return openInsideSync(root, relative, mode, options);
}

/** {@link openInside} by synchronous calls. */
export function openInsideSync(
  root: string,
  relative: string,
  mode: OpenMode,
  options: OpenInsideOptions = {},
): OpenFile {
  const { fileSystem = nodeFileSystem, permissions = 0o600 } = options;
  const real = realParts(fileSystem, root, relative);
  const place: Place = { ...real, relative, path: join(real.root, ...real.parts) };
  let file: OpenFile;
  try {
    file =
      fileSystem === nodeFileSystem && existsSync("/proc/self/fd")
        ? openByWalk(place, mode, permissions)
        : openAndCompare(fileSystem, place, mode, permissions);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ENXIO" || errno === "EISDIR") throw notRegular(place.path, error);
    // Neither symlinks nor files stood in the way a moment ago.
    if (errno === "ELOOP" || errno === "ENOTDIR") throw swapped(place, error);
    throw asFileError("open", place.path, error);
  }
  try {
    if (file.statSync().kind !== "file") throw notRegular(place.path);
    return file;
  } catch (error) {
    file.closeSync();
    throw asFileError("open", place.path, error);
  }
}

function notRegular(path: string, cause?: unknown): FileError {
  return new FileError("FILE_UNREADABLE", `Cannot open "${path}": it is not a regular file`, { path, cause });
}
