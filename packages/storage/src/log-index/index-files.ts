import { join } from "node:path";
import { nodeFileSystem } from "@holdfast/fsutil";
import type { StoreFolder } from "../store-folder.ts";
import { namesIn } from "../walk-keys.ts";

/** The folder of indexes, below the root. */
const INDEX_FOLDER = "index/logs";
const ENDING = ".db";
const SUMMARY_ENDING = ".summary";

/** The path below the root of a log's index. */
export function indexPath(key: string): string {
  return `${INDEX_FOLDER}/${key}${ENDING}`;
}

/** The path below the root of what is known of a long log's files. */
export function summaryPath(key: string): string {
  return `${INDEX_FOLDER}/${key}${SUMMARY_ENDING}`;
}

/** A file that was made from a log. */
export interface DerivedFile {
  readonly key: string;
  readonly relative: string;
}

/** The indexes there are, with the keys of their logs. Symlinks are not followed. */
export function* indexFiles(folder: StoreFolder): Generator<DerivedFile> {
  // SQLite works on the real disk only
  if (folder.fileSystem === nodeFileSystem) yield* derivedFiles(folder, ENDING);
}

/** The summaries there are, with the keys of their logs. Symlinks are not followed. */
export function summaryFiles(folder: StoreFolder): Generator<DerivedFile> {
  return derivedFiles(folder, SUMMARY_ENDING);
}

function* derivedFiles(folder: StoreFolder, ending: string): Generator<DerivedFile> {
  const { fileSystem, root } = folder;
  yield* below("");

  function* below(base: string): Generator<DerivedFile> {
    const path = join(INDEX_FOLDER, base);
    if (fileSystem.lstatSync(join(root, path))?.kind !== "directory") return;
    for (const name of namesIn(fileSystem, join(root, path)).toSorted()) {
      const kind = fileSystem.lstatSync(join(root, path, name))?.kind;
      if (kind === "directory") yield* below(`${base}${name}/`);
      else if (kind === "file" && name.endsWith(ending)) {
        yield { key: `${base}${name.slice(0, -ending.length)}`, relative: `${INDEX_FOLDER}/${base}${name}` };
      }
    }
  }
}
