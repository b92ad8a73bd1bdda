import * as fs from "node:fs";
import { resolve } from "node:path";

import { type FileSystem, nodeFileSystem } from "@holdfast/fsutil";
import type { Store } from "@holdfast/storage";

import { SnapshotConflictError, SnapshotError } from "./errors.ts";
import { listFiles } from "./list-files.ts";
import type { SnapshotManifest } from "./manifest.ts";
import { checkPaths } from "./manifest-paths.ts";
import { realFolder } from "./real-folder.ts";
import { makeRoot, removeFiles, writeFiles } from "./restore-files.ts";
import { planRestore, type RestorePlan } from "./restore-plan.ts";
import { manifestOf, verifyContents } from "./verify-snapshot.ts";

/** How {@link restoreSnapshot} works. */
export interface RestoreSnapshotOptions {
  /** The store that holds the contents, and the manifest when the snapshot is named by its id. */
  readonly store: Store;
  /** Whether files with another content are overwritten, and what is no folder makes room for one. Default false. */
  readonly force?: boolean | undefined;
  /** Whether files that a snapshot of the folder would hold and this one does not are removed. Default false: they stay and are reported. */
  readonly clean?: boolean | undefined;
  /** Only look, and say what would be done. Default false. */
  readonly dryRun?: boolean | undefined;
  /** Whether names that only differ in case or Unicode form may be restored: only where the file system keeps them apart. Default false. */
  readonly allowFolded?: boolean | undefined;
  readonly onProgress?: ((progress: RestoreProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** What is written through. Default: the disk. */
  readonly fileSystem?: FileSystem | undefined;
}

/** How far a restore is. */
export interface RestoreProgress {
  readonly phase: "check" | "write";
  /** Contents checked, or files written, so far. */
  readonly done: number;
  readonly total: number;
}

/** What a restore did; with `dryRun`, what it would do. Each list is sorted. */
export interface RestoreResult {
  readonly snapshot_id: string;
  readonly written: readonly string[];
  /** Files whose content was right, and whose permission bits were not. */
  readonly modes: readonly string[];
  /** How many files were as they should be. */
  readonly unchanged: number;
  /** Files that are not in the snapshot, and stay. */
  readonly extra: readonly string[];
  /** Files that were not in the snapshot, and were removed. */
  readonly removed: readonly string[];
  /** With `dryRun`: what a restore without `force` would stop at. */
  readonly conflicts: SnapshotConflictError["conflicts"];
}

/**
 * Brings the files of a snapshot back: their bytes and permission bits, under their names, below a folder.
 *
 * Everything is checked before the first byte is written: the manifest against its id, its paths, every content it
 * needs (all of it is read), and what is in the folder. Files with the right content are left as they are. A file is old
 * or new, never half; a restore that was killed is completed by a second one. Nothing is written through a symlink.
 * What it wrote is durable when it resolves, and what a restore that was killed before it had written; of other files that are right
 * already, their names.
 *
 * @param snapshot - The id of a snapshot in the store, or a manifest.
 * @param dir - The folder; made when it is missing.
 * @throws {SnapshotConflictError} `SNAPSHOT_CONFLICT` with all that stands in the way: nothing was written.
 * @throws {SnapshotError} `SNAPSHOT_MISSING`, `SNAPSHOT_DAMAGED`, `SNAPSHOT_UNSAFE_PATH`, `SNAPSHOT_CONTENT`,
 *   `SNAPSHOT_ROOT`: nothing was written. `SNAPSHOT_IO`, `SNAPSHOT_VANISHED`: what was written is whole.
 */
export async function restoreSnapshot(
  snapshot: SnapshotManifest | string,
  dir: string,
  options: RestoreSnapshotOptions,
): Promise<RestoreResult> {
  const { store, force = false, clean = false, dryRun = false, signal, onProgress } = options;
  const fileSystem = options.fileSystem ?? nodeFileSystem;
  signal?.throwIfAborted();
  const manifest = await manifestOf(snapshot, store);
  checkPaths(manifest.files, options.allowFolded ?? false);
  const target = resolve(dir);
  const there = fs.statSync(target, { throwIfNoEntry: false }) === undefined ? undefined : realFolder(target);

  const plan = await planRestore(there, manifest.files, signal);
  const unknown = there === undefined ? [] : await unknownFiles(there, manifest, plan, signal);
  const todo = plan.files.filter(({ action }) => action === "write").map(({ file }) => file);
  await checkContents(manifest, todo, options);
  const result = resultOf(manifest, plan, unknown, clean);
  if (dryRun) return result;
  refuseConflicts(manifest, target, plan, force);
  signal?.throwIfAborted();

  await makeRoot(target, fileSystem);
  const root = there ?? realFolder(target);
  let done = 0;
  const total = result.written.length + result.modes.length;
  const onWritten = () => onProgress?.({ phase: "write", done: ++done, total });
  await writeFiles(root, plan.files, plan.blockers, { store, force, fileSystem, signal, onWritten });
  if (clean) await removeFiles(root, unknown, { fileSystem, signal });
  return { ...result, conflicts: [] };
}

/** Files that are not in the snapshot, without those that make room for its folders. */
async function unknownFiles(
  root: string,
  manifest: SnapshotManifest,
  { blockers }: RestorePlan,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  const known = new Set([...manifest.files.map(({ path }) => path), ...blockers]);
  return (await listFiles(root, manifest, signal)).filter((path) => !known.has(path));
}

function resultOf(
  manifest: SnapshotManifest,
  plan: RestorePlan,
  unknown: readonly string[],
  clean: boolean,
): RestoreResult {
  const paths = (wanted: string) =>
    plan.files.filter(({ action }) => action === wanted).map(({ file }) => file.path);
  return {
    snapshot_id: manifest.snapshot_id,
    written: paths("write"),
    modes: paths("mode"),
    unchanged: paths("keep").length,
    extra: clean ? [] : unknown,
    removed: clean ? unknown : [],
    conflicts: plan.conflicts,
  };
}

function refuseConflicts(manifest: SnapshotManifest, dir: string, plan: RestorePlan, force: boolean): void {
  const conflicts = force ? plan.conflicts.filter(({ reason }) => reason === "folder") : plan.conflicts;
  const [first] = conflicts;
  if (first === undefined) return;
  const others = conflicts.length === 1 ? "" : ` and ${conflicts.length - 1} more`;
  const advice =
    first.reason === "folder"
      ? "move the folder away"
      : "save it elsewhere, or restore with force to overwrite it";
  throw new SnapshotConflictError(
    `Cannot restore "${manifest.snapshot_id}" into "${dir}": "${first.path}"${others} would be lost (${first.reason}); ${advice}`,
    { path: first.path, conflicts },
  );
}

async function checkContents(
  manifest: SnapshotManifest,
  files: SnapshotManifest["files"],
  { store, signal, onProgress }: RestoreSnapshotOptions,
): Promise<void> {
  const bad = await verifyContents(
    store,
    { files },
    { signal, onProgress: ({ done, total }) => onProgress?.({ phase: "check", done, total }) },
  );
  const [first] = bad;
  if (first === undefined) return;
  const others = bad.length === 1 ? "" : ` (and ${bad.length - 1} more)`;
  throw new SnapshotError(
    "SNAPSHOT_CONTENT",
    `Cannot restore "${manifest.snapshot_id}": the content of "${first.paths[0]}" is ${first.problem}${others}: ${first.message}`,
    { path: first.paths[0] ?? manifest.snapshot_id },
  );
}
