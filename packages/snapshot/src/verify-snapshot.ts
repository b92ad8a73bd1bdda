import type { Store } from "@holdfast/storage";
import { hashPaths } from "./hash-paths.ts";
import { inParallel } from "./in-parallel.ts";
import { listFiles } from "./list-files.ts";
import type { SnapshotManifest } from "./manifest.ts";
import { checkPaths } from "./manifest-paths.ts";
import { realFolder } from "./real-folder.ts";
import { checkManifest, snapshotStore } from "./snapshot-store.ts";

/** What {@link verifySnapshot} looks at. */
export interface VerifySnapshotOptions {
  /** A folder to compare with the snapshot. */
  readonly dir?: string | undefined;
  /** The store that holds the snapshot, for one named by its id, and whose contents are checked. */
  readonly store?: Store | undefined;
  /** Whether the stored contents are read and checked. Default: true when there is a store and the manifest says it has them. */
  readonly contents?: boolean | undefined;
  readonly onProgress?: ((progress: VerifyProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How far a verification is. */
export interface VerifyProgress {
  readonly phase: "files" | "contents";
  /** Files, or contents, looked at so far. */
  readonly done: number;
  readonly total: number;
}

/** A stored content that cannot give back the files of a snapshot. */
export interface BadContent {
  readonly sha256: string;
  /** The files that need it. */
  readonly paths: readonly string[];
  readonly problem: "missing" | "damaged";
  readonly message: string;
}

/** What differs between a snapshot and a folder, and what is wrong with its stored contents. */
export interface SnapshotReport {
  readonly snapshot_id: string;
  /** Nothing is missing, changed, extra or bad. */
  readonly ok: boolean;
  /** Files of the snapshot that are not in the folder, or are no regular files there. */
  readonly missing: readonly string[];
  /** Files with another content; `actual` is `undefined` when it cannot be read. */
  readonly changed: readonly {
    readonly path: string;
    readonly expected: string;
    readonly actual: string | undefined;
  }[];
  /** Files that a snapshot of the folder would hold and this one does not. */
  readonly extra: readonly string[];
  readonly contents: readonly BadContent[];
}

const AT_ONCE = 8;

/**
 * Compares a snapshot with a folder, and checks the contents that a store keeps for it. Every byte is read: the stat
 * cache is not trusted.
 *
 * @param snapshot - A manifest, or the id of one in the store.
 * @param options - `dir`, `store`: one of them at least.
 * @throws {SnapshotError} `SNAPSHOT_MISSING`, `SNAPSHOT_DAMAGED`, `SNAPSHOT_UNSAFE_PATH`, `SNAPSHOT_ROOT`. What is found is
 *   reported, not thrown.
 */
export async function verifySnapshot(
  snapshot: SnapshotManifest | string,
  options: VerifySnapshotOptions,
): Promise<SnapshotReport> {
  const { dir, store, signal } = options;
  const manifest = await manifestOf(snapshot, store);
  checkPaths(manifest.files, true);
  const files = dir === undefined ? NOTHING : await compare(manifest, realFolder(dir), options);
  const checkContents = store !== undefined && (options.contents ?? manifest.contents === true);
  const contents = checkContents ? await verifyContents(store, manifest, options) : [];
  signal?.throwIfAborted();
  const ok = files.missing.length + files.changed.length + files.extra.length + contents.length === 0;
  return { snapshot_id: manifest.snapshot_id, ok, ...files, contents };
}

/** A manifest whose id has been checked, from itself or from a store. */
export async function manifestOf(
  snapshot: SnapshotManifest | string,
  store: Store | undefined,
): Promise<SnapshotManifest> {
  if (typeof snapshot !== "string") return checkManifest(snapshot);
  if (store === undefined) throw new TypeError("A snapshot named by its id needs the store that holds it");
  return snapshotStore(store).load(snapshot);
}

const NOTHING = { missing: [], changed: [], extra: [] } as const;

async function compare(
  manifest: SnapshotManifest,
  root: string,
  { signal, onProgress }: VerifySnapshotOptions,
) {
  const { files } = manifest;
  const total = files.length;
  const found = await hashPaths(
    root,
    files.map(({ path }) => path),
    { signal, onProgress: (progress) => onProgress?.({ phase: "files", done: progress.files, total }) },
  );
  const missing: string[] = [];
  const changed: { path: string; expected: string; actual: string | undefined }[] = [];
  for (const [index, { path, sha256: expected }] of files.entries()) {
    const now = found[index];
    if (now === undefined || ("failure" in now && GONE.has(now.failure))) missing.push(path);
    else if ("failure" in now) changed.push({ path, expected, actual: undefined });
    else if (now.sha256 !== expected) changed.push({ path, expected, actual: now.sha256 });
  }
  const known = new Set(files.map(({ path }) => path));
  const extra = (await listFiles(root, manifest, signal)).filter((path) => !known.has(path));
  return { missing, changed, extra };
}

const GONE: ReadonlySet<string> = new Set(["vanished", "not-a-file", "outside"]);

/** Reads the stored contents of some files, all of each; what is missing or damaged comes back, sorted by checksum. */
export async function verifyContents(
  store: Store,
  { files }: Pick<SnapshotManifest, "files">,
  { signal, onProgress }: Pick<VerifySnapshotOptions, "signal" | "onProgress">,
): Promise<readonly BadContent[]> {
  const paths = new Map<string, string[]>();
  for (const { path, sha256 } of files) {
    const same = paths.get(sha256);
    if (same === undefined) paths.set(sha256, [path]);
    else same.push(path);
  }
  const bad: BadContent[] = [];
  let done = 0;
  await inParallel(paths, AT_ONCE, async ([sha256, users]) => {
    signal?.throwIfAborted();
    try {
      for await (const _ of store.objects.get(sha256)) signal?.throwIfAborted();
    } catch (error) {
      const problem = contentProblem(error);
      if (problem === undefined || !(error instanceof Error)) throw error;
      bad.push({ sha256, paths: users, problem, message: error.message });
    }
    onProgress?.({ phase: "contents", done: ++done, total: paths.size });
  });
  return bad.toSorted((a, b) => (a.sha256 < b.sha256 ? -1 : 1));
}

function contentProblem(error: unknown): "missing" | "damaged" | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "STORE_MISSING") return "missing";
  return code === "STORE_DAMAGED" ? "damaged" : undefined;
}
