import { join } from "node:path";
import { nodeFileSystem } from "@holdfast/fsutil";
import type { StoreFolder } from "../store-folder.ts";
import { namesIn } from "../walk-keys.ts";

/** The folder of indexes, below the root. */
const INDEX_FOLDER = "index/logs";
const ENDING = ".db";

/** The path below the root of a log's index. */
export function indexPath(key: string): string {
  return `${INDEX_FOLDER}/${key}${ENDING}`;
}

/** The indexes there are, with the keys of their logs. Symlinks are not followed. */
export function* indexFiles(
  folder: StoreFolder,
): Generator<{ readonly key: string; readonly relative: string }> {
  const { fileSystem, root } = folder;
  if (fileSystem !== nodeFileSystem) return; // SQLite works on the real disk only
  yield* below("");

  function* below(base: string): Generator<{ readonly key: string; readonly relative: string }> {
    const path = join(INDEX_FOLDER, base);
    if (fileSystem.lstatSync(join(root, path))?.kind !== "directory") return;
    for (const name of namesIn(fileSystem, join(root, path)).toSorted()) {
      const kind = fileSystem.lstatSync(join(root, path, name))?.kind;
      if (kind === "directory") yield* below(`${base}${name}/`);
      else if (kind === "file" && name.endsWith(ENDING)) {
        yield { key: `${base}${name.slice(0, -ENDING.length)}`, relative: `${INDEX_FOLDER}/${base}${name}` };
      }
    }
  }
}
