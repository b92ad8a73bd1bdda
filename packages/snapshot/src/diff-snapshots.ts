import { comparePaths, type IdentifiedFile } from "./snapshot-id.ts";

/** A file whose content is another one now. */
export interface ChangedFile {
  readonly path: string;
  readonly before: IdentifiedFile;
  readonly after: IdentifiedFile;
}

/** A file that has another path now and the same content. */
export interface RenamedFile {
  readonly from: string;
  readonly to: string;
  readonly sha256: string;
}

/** What is different between two snapshots; each list is sorted by path (renames by their new path). */
export interface SnapshotDiff {
  readonly added: readonly IdentifiedFile[];
  readonly removed: readonly IdentifiedFile[];
  readonly changed: readonly ChangedFile[];
  readonly renamed: readonly RenamedFile[];
}

/**
 * Compares two snapshots by content. A file that is gone from one path and whose content appeared at another counts as
 * renamed, each at most once; empty files are never taken for renamed. Times and modes do not count.
 *
 * @param a - The earlier manifest, or its `files`.
 * @param b - The later one.
 */
export function diffSnapshots(a: FilesOfSnapshot, b: FilesOfSnapshot): SnapshotDiff {
  const before = new Map(filesOf(a).map((file) => [file.path, file]));
  const added: IdentifiedFile[] = [];
  const changed: ChangedFile[] = [];
  for (const file of filesOf(b)) {
    const old = before.get(file.path);
    if (old === undefined) added.push(file);
    else if (old.sha256 !== file.sha256 || old.size !== file.size) {
      changed.push({ path: file.path, before: old, after: file });
    }
    before.delete(file.path);
  }
  const { renamed, gone, fresh } = pairRenames([...before.values()].toSorted(byPath), added.toSorted(byPath));
  return { added: fresh, removed: gone, changed: changed.toSorted(byPath), renamed };
}

/** A manifest, or the files of one. */
export type FilesOfSnapshot = { readonly files: readonly IdentifiedFile[] } | readonly IdentifiedFile[];

function pairRenames(removed: readonly IdentifiedFile[], added: readonly IdentifiedFile[]) {
  const bySum = new Map<string, IdentifiedFile[]>();
  for (const file of removed) {
    if (file.size === 0) continue;
    const same = bySum.get(file.sha256);
    if (same === undefined) bySum.set(file.sha256, [file]);
    else same.push(file);
  }
  const paired = new Set<IdentifiedFile>();
  const renamed: RenamedFile[] = [];
  const fresh: IdentifiedFile[] = [];
  for (const file of added) {
    const candidates = bySum.get(file.sha256) ?? [];
    // The same name in another folder is the likeliest origin.
    const named = candidates.findIndex((candidate) => nameOf(candidate.path) === nameOf(file.path));
    const [origin] = candidates.splice(Math.max(named, 0), 1);
    if (origin === undefined || file.size === 0) {
      fresh.push(file);
      continue;
    }
    paired.add(origin);
    renamed.push({ from: origin.path, to: file.path, sha256: file.sha256 });
  }
  return { renamed, fresh, gone: removed.filter((file) => !paired.has(file)) };
}

function filesOf(snapshot: FilesOfSnapshot): readonly IdentifiedFile[] {
  return "files" in snapshot ? snapshot.files : snapshot;
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function byPath(a: { readonly path: string }, b: { readonly path: string }): number {
  return comparePaths(a.path, b.path);
}
