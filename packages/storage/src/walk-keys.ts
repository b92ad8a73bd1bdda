import { join } from "node:path";
import type { FileSystem } from "@holdfast/fsutil";
import { compareBytes } from "./byte-order.ts";
import type { StoreFolder } from "./store-folder.ts";

/** A file that stands for a key. */
export interface KeyedFile {
  readonly key: string;
  /** Its path below the root. */
  readonly relative: string;
}

interface Entry {
  /** The key of a file; of a folder, what the keys in it start with. */
  readonly key: string;
  readonly name: string;
  readonly isFolder: boolean;
}

/** Folders at the top that hold no documents or logs of keys. */
const SKIPPED = new Set(["objects", "work"]);

/**
 * Finds the keys of a store in byte order, folder by folder, with memory for one path of folders only. Symlinks are not followed.
 *
 * @param nameOf - The last part of a key from the name of its file; `undefined` for names that stand for none.
 */
export function* walkKeys(
  folder: StoreFolder,
  nameOf: (fileName: string) => string | undefined,
  options: { readonly prefix?: string; readonly after?: string | undefined } = {},
): Generator<KeyedFile> {
  const { prefix = "", after } = options;
  const cut = prefix.lastIndexOf("/");
  const start = cut === -1 ? "" : prefix.slice(0, cut);
  if (start !== "" && folder.fileSystem.lstatSync(join(folder.root, start))?.kind !== "directory") return;
  yield* walk(start);

  function* walk(relative: string): Generator<KeyedFile> {
    const base = relative === "" ? "" : `${relative}/`;
    for (const { key, name, isFolder } of entriesOf(base)) {
      if (isFolder) {
        const wanted = key.startsWith(prefix) || prefix.startsWith(key);
        if (!wanted || (after !== undefined && compareBytes(key, after) < 0 && !after.startsWith(key)))
          continue;
        yield* walk(base + name);
      } else if (key.startsWith(prefix) && (after === undefined || compareBytes(key, after) > 0)) {
        yield { key, relative: base + name };
      }
    }
  }

  function entriesOf(base: string): Entry[] {
    const path = join(folder.root, base);
    const entries: Entry[] = [];
    const seen = new Set<string>();
    for (const name of namesIn(folder.fileSystem, path)) {
      if (name.startsWith(".") || (base === "" && SKIPPED.has(name))) continue;
      const kind = folder.fileSystem.lstatSync(join(path, name))?.kind;
      if (kind === "directory") {
        entries.push({ key: `${base}${name}/`, name, isFolder: true });
      } else if (kind === "file") {
        const last = nameOf(name);
        if (last === undefined || seen.has(last) || (base === "" && last === "store")) continue;
        seen.add(last);
        entries.push({ key: base + last, name, isFolder: false });
      }
    }
    return entries.toSorted((a, b) => compareBytes(a.key, b.key));
  }
}

/** The names in a folder; none when it is not there (any more). */
export function namesIn(fileSystem: FileSystem, path: string): string[] {
  try {
    return fileSystem.readdirSync(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR"))
      return [];
    throw error;
  }
}
