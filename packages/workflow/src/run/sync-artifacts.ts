import { constants } from "node:fs";
import { open, realpath } from "node:fs/promises";
import { dirname, join, posix, sep } from "node:path";
import { codeOf } from "../unknown-value.ts";

/** Syncs of so many files share the disk's writes. */
const AT_ONCE = 16;
const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;

/**
 * Makes files of a workspace durable: their bytes, their names, and the names of the folders they are in. Whoever wrote them need not have
 * done so, and a receipt must not outlive what it proves.
 *
 * @param workspace - The root; its own name is not synced.
 * @param paths - Regular files below it, that have been found to be inside.
 * @throws The system's error. What could not be synced once must be written again: a second sync could succeed without it.
 */
export async function syncArtifacts(workspace: string, paths: readonly string[]): Promise<void> {
  const root = await realpath(workspace);
  const folders = new Set<string>();
  const files = new Set<string>();
  for (const path of paths) {
    const real = await realpath(join(root, path));
    files.add(real);
    // Of a link inside the workspace both names count.
    for (const folder of foldersAbove(root, real)) folders.add(folder);
    for (let above = posix.dirname(posix.normalize(path)); above !== "."; above = posix.dirname(above)) {
      folders.add(await realpath(join(root, above)));
    }
  }
  await inTurn([...files], syncPath);
  await inTurn([...folders], syncFolder);
}

/** The folders of a path below a root, from the inside; the root is the last. */
function* foldersAbove(root: string, path: string): Generator<string> {
  const prefix = root.endsWith(sep) ? root : root + sep;
  for (let folder = dirname(path); folder.startsWith(prefix); folder = dirname(folder)) yield folder;
  yield root;
}

async function syncPath(path: string): Promise<void> {
  await using file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  await file.sync();
}

async function syncFolder(path: string): Promise<void> {
  try {
    await syncPath(path);
  } catch (error) {
    // Some file systems have no sync for folders; their names need none.
    const code = codeOf(error);
    if (code !== "EINVAL" && code !== "ENOTSUP") throw error;
  }
}

async function inTurn(paths: string[], work: (path: string) => Promise<void>): Promise<void> {
  const worker = async (): Promise<void> => {
    for (let path = paths.pop(); path !== undefined; path = paths.pop()) await work(path);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, paths.length) }, worker));
}
