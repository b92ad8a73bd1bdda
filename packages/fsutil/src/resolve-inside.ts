import { isAbsolute, join, resolve, sep } from "node:path";
import { asFileError, errnoOf, FileError, PathEscapeError } from "./errors.ts";
import type { FileSystem } from "./file-system.ts";
import { nodeFileSystem } from "./node-file-system.ts";

function escape(root: string, relative: string, state: string, cause?: unknown): PathEscapeError {
  return new PathEscapeError(`Cannot use the path ${JSON.stringify(relative)} in "${root}": ${state}`, {
    path: relative,
    root,
    cause,
  });
}

/** The parts of a relative path that cannot, by its text, leave its root. */
function partsOf(root: string, relative: string): string[] {
  if (relative === "") throw escape(root, relative, "it is empty");
  if (relative.includes("\0")) throw escape(root, relative, "it holds a NUL");
  if (isAbsolute(relative) || relative.startsWith("/"))
    throw escape(root, relative, "it is absolute; give it relative to the root");
  const parts = relative.split(sep === "/" ? "/" : /[\\/]/u).filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) throw escape(root, relative, 'it holds ".."');
  return parts;
}

function isInside(root: string, path: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);
}

/**
 * The usual case by two calls, however long the path is: the folders before the last part are what their names say, and that one is no symlink.
 * `undefined` where anything else is found, which is looked at part by part then.
 */
function plainParts(
  fileSystem: FileSystem,
  root: string,
  parts: string[],
): { root: string; parts: string[] } | undefined {
  const [realRoot, last] = [resolve(root), parts.at(-1)];
  if (last === undefined || realRoot.endsWith(sep)) return undefined;
  const folder = parts.length === 1 ? realRoot : realRoot + sep + parts.slice(0, -1).join(sep);
  try {
    if (fileSystem.realpathSync(folder) !== folder) return undefined;
    const kind = fileSystem.lstatSync(folder + sep + last)?.kind;
    return kind === "symlink" ? undefined : { root: realRoot, parts };
  } catch {
    return undefined; // a folder that is missing, or no folder
  }
}

/** Where a path really is, in parts below the real root; nothing in it is a symlink when this returns. */
export function realParts(
  fileSystem: FileSystem,
  root: string,
  relative: string,
): { root: string; parts: string[] } {
  const parts = partsOf(root, relative);
  const plain = plainParts(fileSystem, root, parts);
  if (plain !== undefined) return plain;
  let realRoot: string;
  try {
    realRoot = fileSystem.realpathSync(resolve(root));
  } catch (error) {
    throw asFileError("open the root", root, error);
  }
  let at = realRoot;
  for (const [index, part] of parts.entries()) {
    const next = join(at, part);
    let kind: string | undefined;
    try {
      kind = fileSystem.lstatSync(next)?.kind;
    } catch (error) {
      throw asFileError("use", next, error);
    }
    if (kind === undefined) {
      at = join(at, ...parts.slice(index));
      break;
    }
    at = kind === "symlink" ? follow(fileSystem, realRoot, relative, next) : next;
    if (index === parts.length - 1) break;
    if ((kind === "symlink" ? fileSystem.statSync(at)?.kind : kind) === "directory") continue;
    const rest = join(next, ...parts.slice(index + 1));
    throw new FileError("FILE_IO", `Cannot use "${rest}": "${next}" is not a folder`, { path: rest });
  }
  return {
    root: realRoot,
    parts: at
      .slice(realRoot.length)
      .split(sep)
      .filter((part) => part !== ""),
  };
}

function follow(fileSystem: FileSystem, root: string, relative: string, link: string): string {
  let target: string;
  try {
    target = fileSystem.realpathSync(link);
  } catch (error) {
    const errno = errnoOf(error);
    // What is made through a link without a target would be made wherever the link says.
    if (errno === "ENOENT") throw escape(root, relative, `the symlink "${link}" leads nowhere`, error);
    if (errno === "ELOOP") throw escape(root, relative, `the symlink "${link}" leads in a circle`, error);
    throw asFileError("follow the symlink", link, error);
  }
  if (!isInside(root, target)) throw escape(root, relative, `the symlink "${link}" leads out`);
  return target;
}

/**
 * Turns a path that somebody else chose into the real path below a root, or refuses it: empty, absolute, with `..` or
 * NUL, through a symlink that leaves the root or leads nowhere. Symlinks that stay inside are followed. The file itself,
 * and folders before it, may be missing.
 *
 * Somebody who can write below the root can swap a folder for a symlink after this answer: to read or write the file
 * use {@link openInside}, which cannot be raced.
 *
 * @param root - An existing folder.
 * @param relative - A path with `/` between its parts.
 * @returns An absolute path without symlinks.
 * @throws {PathEscapeError} `PATH_ESCAPE`. {@link FileError} `FILE_MISSING` for a missing root, `FILE_PERMISSION`, `FILE_IO`.
 */
export async function resolveInside(
  root: string,
  relative: string,
  options: { readonly fileSystem?: FileSystem } = {},
): Promise<string> {
  return resolveInsideSync(root, relative, options);
}

/** {@link resolveInside} by synchronous calls. */
export function resolveInsideSync(
  root: string,
  relative: string,
  options: { readonly fileSystem?: FileSystem } = {},
): string {
  const real = realParts(options.fileSystem ?? nodeFileSystem, root, relative);
  return join(real.root, ...real.parts);
}
