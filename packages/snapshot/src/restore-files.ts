import { ensureDirectory, type FileSystem, removeLeftovers, writeFileAtomic } from "@holdfast/fsutil";
import type { Bytes, Store } from "@holdfast/storage";

import { SnapshotConflictError, SnapshotError } from "./errors.ts";
import { inParallel } from "./in-parallel.ts";
import { type OpenFolder, openFolder } from "./list-folder.ts";
import { lookAt, type PlannedFile, stampOf } from "./restore-plan.ts";
import { comparePaths } from "./snapshot-id.ts";

export interface WriteFilesOptions {
  readonly store: Store;
  readonly force: boolean;
  readonly fileSystem: FileSystem;
  readonly signal: AbortSignal | undefined;
  readonly onWritten: (file: PlannedFile) => void;
}

/** Waiting for the disk is most of the work; several files share its syncs. */
const FOLDERS_AT_ONCE = 4;
const FILES_AT_ONCE = 4;
/** Folders are made like those of any program: their mode is not part of a snapshot. */
const FOLDER_MODE = 0o777;
const NEW_FILE_MODE = 0o600;

/**
 * Writes what was planned: folders first, then each file whole under its name. Everything is on the disk, and named
 * there, when it resolves; also what a restore that was killed had written and not named durably. Each folder is opened and what is written goes through the open folder, so that one that is
 * swapped for a symlink meanwhile leads nowhere.
 *
 * @param root - Real path of the folder.
 */
export async function writeFiles(
  root: string,
  planned: readonly PlannedFile[],
  blockers: readonly string[],
  options: WriteFilesOptions,
): Promise<void> {
  const folders = foldersOf(planned);
  makeFolders(root, [...folders.keys()], new Set(blockers), options);
  await inParallel(folders, FOLDERS_AT_ONCE, async ([folder, files]) => {
    await inFolder(root, folder, async (base) => {
      if (files.length > 0) await removeLeftovers(base, { fileSystem: options.fileSystem });
      await inParallel(files, FILES_AT_ONCE, async (file) => {
        options.signal?.throwIfAborted();
        await writeOne(base, file, options);
        options.onWritten(file);
      });
      await options.fileSystem.syncDirectory(base);
    });
  });
}

/** What is to be done in each folder that holds a file, or a folder that does. */
function foldersOf(planned: readonly PlannedFile[]): ReadonlyMap<string, readonly PlannedFile[]> {
  const folders = new Map<string, PlannedFile[]>();
  const filesIn = (folder: string): PlannedFile[] => {
    let files = folders.get(folder);
    if (files === undefined) {
      folders.set(folder, (files = []));
      if (folder !== "") filesIn(parentOf(folder));
    }
    return files;
  };
  for (const one of planned) {
    const files = filesIn(parentOf(one.file.path));
    if (one.action !== "keep") files.push(one);
  }
  return folders;
}

/** Makes the folder that is restored into, with its parents, or its name durable where a restore that was killed made it. */
export async function makeRoot(dir: string, fileSystem: FileSystem): Promise<void> {
  try {
    await ensureDirectory(dir, { mode: FOLDER_MODE & ~currentUmask(), fileSystem });
  } catch (cause) {
    throw writeError(dir, cause);
  }
}

/** Removes files, and the folders that this leaves empty. */
export async function removeFiles(
  root: string,
  paths: readonly string[],
  { fileSystem, signal }: Pick<WriteFilesOptions, "fileSystem" | "signal">,
): Promise<void> {
  const folders = Map.groupBy(paths, parentOf);
  for (const [folder, names] of [...folders].toSorted(([a], [b]) => comparePaths(b, a))) {
    signal?.throwIfAborted();
    await inFolder(root, folder, async (base) => {
      for (const path of names) fileSystem.unlinkSync(`${base}/${nameOf(path)}`);
      await fileSystem.syncDirectory(base);
    });
    await removeEmpty(root, folder, fileSystem);
  }
}

async function removeEmpty(root: string, folder: string, fileSystem: FileSystem): Promise<void> {
  for (let empty = folder; empty !== ""; empty = parentOf(empty)) {
    let isEmpty = false;
    await inFolder(root, parentOf(empty), async (base) => {
      const path = `${base}/${nameOf(empty)}`;
      isEmpty = fileSystem.readdirSync(path).length === 0;
      if (!isEmpty) return;
      fileSystem.rmdirSync(path);
      await fileSystem.syncDirectory(base);
    });
    if (!isEmpty) return;
  }
}

function makeFolders(
  root: string,
  wanted: readonly string[],
  blockers: ReadonlySet<string>,
  { fileSystem }: Pick<WriteFilesOptions, "fileSystem">,
): void {
  const made = new Set([""]);
  const make = (folder: string): void => {
    if (made.has(folder)) return;
    made.add(folder);
    const parent = parentOf(folder);
    make(parent);
    const stat = lookAt(`${root}/${folder}`);
    if (stat?.isDirectory() === true) return;
    using open = opened(root, parent);
    const path = `${open.base}/${nameOf(folder)}`;
    try {
      // The caller insisted; what is a symlink goes itself, not what it leads to.
      if (stat !== undefined && blockers.has(folder)) fileSystem.unlinkSync(path);
      fileSystem.mkdirSync(path, FOLDER_MODE);
      fileSystem.syncDirectorySync(open.base);
    } catch (cause) {
      throw writeError(folder, cause);
    }
  };
  for (const folder of wanted) make(folder);
}

async function writeOne(
  base: string,
  { file, action, seen }: PlannedFile,
  options: WriteFilesOptions,
): Promise<void> {
  const { store, force, fileSystem, signal } = options;
  const path = `${base}/${nameOf(file.path)}`;
  const mode = file.mode === undefined ? undefined : Number.parseInt(file.mode, 8);
  try {
    if (action === "mode") {
      setMode(path, mode ?? NEW_FILE_MODE, fileSystem);
      return;
    }
    const old = lookAt(path);
    await writeFileAtomic(path, contentOf(store, file.sha256), {
      mode: mode ?? (old?.isFile() === true ? Number(old.mode) & 0o777 : NEW_FILE_MODE),
      durability: "data",
      fileSystem,
      ...(signal === undefined ? {} : { signal }),
      beforeRename() {
        if (force || stampOf(lookAt(path)) === seen) return;
        throw new SnapshotConflictError(
          `Cannot restore "${file.path}": it was changed meanwhile; look at it, and restore again with force to overwrite it`,
          { path: file.path, conflicts: [{ path: file.path, reason: "changed" }] },
        );
      },
    });
  } catch (cause) {
    throw writeError(file.path, cause, signal);
  }
}

function setMode(path: string, mode: number, fileSystem: FileSystem): void {
  const file = fileSystem.openSync(path, "read", 0, { noFollow: true });
  try {
    file.chmodSync(mode);
    file.syncSync("full");
  } finally {
    file.closeSync();
  }
}

async function* contentOf(store: Store, sha256: string): AsyncGenerator<Bytes> {
  yield* store.objects.get(sha256);
}

async function inFolder(
  root: string,
  folder: string,
  action: (base: string) => Promise<void>,
): Promise<void> {
  using open = opened(root, folder);
  try {
    await action(open.base);
  } catch (cause) {
    throw writeError(folder, cause);
  }
}

function opened(root: string, folder: string): OpenFolder {
  const path = folder === "" ? root : `${root === "/" ? "" : root}/${folder}`;
  try {
    return openFolder(path);
  } catch (cause) {
    throw writeError(folder, cause);
  }
}

function writeError(path: string, cause: unknown, signal?: AbortSignal): unknown {
  if (cause instanceof SnapshotError || signal?.aborted === true || !(cause instanceof Error)) return cause;
  if (!("code" in cause) || typeof cause.code !== "string" || cause.name === "AbortError") return cause;
  if (cause.code === "STORE_MISSING" || cause.code === "STORE_DAMAGED") {
    return new SnapshotError("SNAPSHOT_CONTENT", `Cannot restore "${path}": ${cause.message}`, {
      path,
      cause,
    });
  }
  return new SnapshotError(
    "SNAPSHOT_IO",
    `Cannot restore "${path}": writing failed (${cause.code}); what was written is whole, restore again to complete it`,
    { path, cause },
  );
}

function currentUmask(): number {
  return process.umask();
}

function parentOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "" : path.slice(0, slash);
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
