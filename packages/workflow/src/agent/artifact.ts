import { createHash, randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { mkdir, open, realpath, rename, unlink } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import type { Artifact } from "@holdfast/ledger";

const HAS_NO_FOLLOW = constants.O_NOFOLLOW ?? 0;

/**
 * Reads what an artifact is: its checksum and size, from one reading of the file.
 *
 * @param workspace - Absolute folder.
 * @param path - Path of a regular file below it.
 * @throws {TypeError} When the path leaves the workspace, also by a symlink, or names something that is not a regular file.
 */
export async function describeArtifact(workspace: string, path: string): Promise<Artifact> {
  const absolute = await insideWorkspace(workspace, path);
  // A FIFO would block the opening without O_NONBLOCK.
  await using file = await open(absolute, constants.O_RDONLY | HAS_NO_FOLLOW | constants.O_NONBLOCK);
  const stat = await file.stat();
  if (!stat.isFile()) throw new TypeError(`Cannot take artifact "${path}": not a regular file`);
  const hash = createHash("sha256");
  let size = 0;
  for await (const chunk of file.createReadStream({ autoClose: false, highWaterMark: 262_144 })) {
    const bytes = chunk as Buffer;
    hash.update(bytes);
    size += bytes.length;
  }
  return { path: portable(workspace, path), sha256: `sha256:${hash.digest("hex")}`, size };
}

/** The artifact that a text would be. */
export function artifactOf(path: string, content: string): Artifact {
  const bytes = Buffer.from(content);
  return { path, sha256: `sha256:${createHash("sha256").update(bytes).digest("hex")}`, size: bytes.length };
}

/**
 * Writes a file of the workspace: a reader sees the old content or the new. Its folders are made. When it resolves, it is on stable storage.
 *
 * @throws {TypeError} When the path leaves the workspace, also by a symlink. Nothing was written then.
 */
export async function writeWorkspaceFile(workspace: string, path: string, content: string): Promise<void> {
  const target = lexicallyInside(workspace, path);
  const made = await makeFolders(workspace, dirname(target), path);
  const temporary = join(made, `.${basename(target)}.tmp.${process.pid}.${randomBytes(6).toString("hex")}`);
  try {
    {
      await using file = await open(temporary, "wx", 0o666);
      await file.writeFile(content);
      await file.sync();
    }
    await rename(temporary, join(made, basename(target)));
  } catch (error) {
    await unlink(temporary).catch(() => {});
    throw error;
  }
  await using folder = await open(made, constants.O_RDONLY);
  await folder.sync();
}

/** Makes the folders one by one, so that none is made on the other side of a symlink. */
async function makeFolders(workspace: string, folder: string, path: string): Promise<string> {
  const root = await realpath(workspace);
  let current = root;
  for (const part of relative(resolve(workspace), folder).split(sep)) {
    if (part === "") continue;
    const next = join(current, part);
    await mkdir(next).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    });
    current = await realpath(next);
    refuseOutside(root, current, path);
  }
  return current;
}

async function insideWorkspace(workspace: string, path: string): Promise<string> {
  const target = lexicallyInside(workspace, path);
  const root = await realpath(workspace);
  const folder = await realpath(dirname(target));
  refuseOutside(root, folder, path);
  return join(folder, basename(target));
}

function lexicallyInside(workspace: string, path: string): string {
  const target = resolve(workspace, path);
  if (path.includes("\0") || path === "" || isAbsolute(path) || target === resolve(workspace)) refuse(path);
  refuseOutside(resolve(workspace), target, path);
  return target;
}

function refuseOutside(root: string, target: string, path: string): void {
  const way = relative(root, target);
  if (way === ".." || way.startsWith(`..${sep}`) || isAbsolute(way)) refuse(path);
}

function refuse(path: string): never {
  throw new TypeError(`Cannot take artifact "${path}": not a path below the workspace`);
}

function portable(workspace: string, path: string): string {
  return relative(resolve(workspace), resolve(workspace, path)).split(sep).join("/");
}
