import * as fs from "node:fs";

import type { RestoreConflict } from "./errors.ts";
import { hashPaths } from "./hash-paths.ts";
import type { SnapshotFile } from "./manifest.ts";

/** What a restore has to do for one file. */
export interface PlannedFile {
  readonly file: SnapshotFile;
  /** `write`: its content; `mode`: its permission bits only; `keep`: nothing. */
  readonly action: "write" | "mode" | "keep";
  /** What was there when it was planned: a file that changes after that is not overwritten. */
  readonly seen: string;
}

/** What a restore would do. */
export interface RestorePlan {
  readonly files: readonly PlannedFile[];
  /** What stands in the way, and goes when the caller insists. */
  readonly conflicts: readonly RestoreConflict[];
  /** What stands where a folder belongs. */
  readonly blockers: readonly string[];
}

/** Looks at a folder, changing nothing. `root`: its real path, or `undefined` for a folder that is not there yet. */
export async function planRestore(
  root: string | undefined,
  files: readonly SnapshotFile[],
  signal: AbortSignal | undefined,
): Promise<RestorePlan> {
  if (root === undefined) {
    return {
      files: files.map((file) => ({ file, action: "write", seen: NOTHING })),
      conflicts: [],
      blockers: [],
    };
  }
  const folders = new Folders(root);
  const conflicts: RestoreConflict[] = [];
  const planned: PlannedFile[] = [];
  const compare: { readonly file: SnapshotFile; readonly at: number; readonly mode: number }[] = [];
  for (const file of files) {
    const at = planned.length;
    if (!folders.isThere(file.path)) {
      planned.push({ file, action: "write", seen: NOTHING });
      continue;
    }
    const stat = lookAt(`${root}/${file.path}`);
    planned.push({ file, action: "write", seen: stampOf(stat) });
    if (stat === undefined) continue;
    if (stat.isDirectory()) conflicts.push({ path: file.path, reason: "folder" });
    else if (!stat.isFile()) conflicts.push({ path: file.path, reason: "not-a-file" });
    else if (Number(stat.size) === file.size) compare.push({ file, at, mode: Number(stat.mode) & 0o777 });
    else conflicts.push({ path: file.path, reason: "changed" });
  }
  const found = await hashPaths(
    root,
    compare.map(({ file }) => file.path),
    { signal },
  );
  for (const [index, { file, at, mode }] of compare.entries()) {
    const now = found[index];
    const before = planned[at];
    if (before === undefined) continue;
    if (now === undefined || "failure" in now || now.sha256 !== file.sha256) {
      conflicts.push({ path: file.path, reason: "changed" });
    } else {
      const sameMode = file.mode === undefined || Number.parseInt(file.mode, 8) === mode;
      planned[at] = { ...before, action: sameMode ? "keep" : "mode" };
    }
  }
  const blockers = folders.blockers;
  conflicts.push(...blockers.map((path) => ({ path, reason: "not-a-folder" }) as const));
  return { files: planned, conflicts: conflicts.toSorted((a, b) => (a.path < b.path ? -1 : 1)), blockers };
}

const NOTHING = "";

/** Tells one state of a name from another: what was seen when planning must still be there when writing. */
export function stampOf(stat: fs.BigIntStats | undefined): string {
  return stat === undefined ? NOTHING : `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.mode}`;
}

/** `lstat`; `undefined` when nothing is there. */
export function lookAt(path: string): fs.BigIntStats | undefined {
  return fs.lstatSync(path, { bigint: true, throwIfNoEntry: false });
}

/** Which folders are there. */
class Folders {
  readonly #root: string;
  readonly #known = new Map<string, boolean>([["", true]]);
  readonly blockers: string[] = [];

  constructor(root: string) {
    this.#root = root;
  }

  /** Whether the folder that a path lies in is there, and is no symlink. */
  isThere(path: string): boolean {
    const slash = path.lastIndexOf("/");
    const folder = slash < 0 ? "" : path.slice(0, slash);
    const known = this.#known.get(folder);
    if (known !== undefined) return known;
    const stat = this.isThere(folder) ? lookAt(`${this.#root}/${folder}`) : undefined;
    if (stat !== undefined && !stat.isDirectory()) this.blockers.push(folder);
    const isThere = stat?.isDirectory() === true;
    this.#known.set(folder, isThere);
    return isThere;
  }
}
