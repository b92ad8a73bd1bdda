import { type Clock, formatTimestamp, type Store, systemClock } from "@holdfast/storage";
import { keepContents } from "./file-contents.ts";
import { HashPool } from "./hash-pool.ts";
import { IgnoreRules } from "./ignore-rules.ts";
import { DEFAULT_INCLUDE, includeTree } from "./include.ts";
import { indexedFiles, snapshotFiles } from "./index-files.ts";
import type { SnapshotFile, SnapshotManifest } from "./manifest.ts";
import { realFolder } from "./real-folder.ts";
import { problemError, type SkipReason, type SnapshotWarning, warningOf } from "./skipped.ts";
import { type IdentifiedFile, SnapshotIdHash } from "./snapshot-id.ts";
import { keepManifest, snapshotStore } from "./snapshot-store.ts";
import { loadStatCache, type StatCache, saveStatCache } from "./stat-cache.ts";
import { SKIPPED, type TreeIndex, UNREAD } from "./tree-index.ts";
import { TreeWalk } from "./walk.ts";

/** How far a snapshot is. */
export interface SnapshotProgress {
  readonly phase: "read" | "store";
  /** Files found (`read`) or stored (`store`) so far. */
  readonly files: number;
  /** Bytes read so far. */
  readonly bytes: number;
}

/** How {@link takeSnapshot} works. */
export interface TakeSnapshotOptions {
  /** Folders and files to take, relative to the root; `.` is all of it. Default: `specs`, `src`, `tests`, `docs`. */
  readonly include?: readonly string[] | undefined;
  /** Rules as in a `.gitignore`, relative to the root, that decide before any `.holdfastignore`. Default: none. */
  readonly exclude?: readonly string[] | undefined;
  /** Where the manifest, the contents and the stat cache are kept. Default: nowhere. */
  readonly store?: Store | undefined;
  /** Whether the content of every file is kept in the store. Default: true when there is a store. */
  readonly contents?: boolean | undefined;
  /** A snapshot taken earlier in this process, of the same root with the same options: what did not change since is not read again. */
  readonly previous?: SnapshotManifest | undefined;
  /** What happens when a file changes, vanishes or cannot be read: `fail` (default) with an error that names it, or `skip` with a warning. */
  readonly onProblem?: "fail" | "skip" | undefined;
  /** Called for everything that is left out although it stands where files are taken. */
  readonly onWarning?: ((warning: SnapshotWarning) => void) | undefined;
  readonly onProgress?: ((progress: SnapshotProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Source of `created_at`, in microseconds since 1970. Default: the system's clock. */
  readonly clock?: Clock | undefined;
}

/** What the manifests taken in this process leave for the next one; gone with the manifest. */
const memories = new WeakMap<SnapshotManifest, StatCache & { readonly scope: string }>();

const FINE_NS = 100_000_000n;
const COARSE_NS = 2_100_000_000n;

/** A slice of walking, in milliseconds, before other work of the process gets its turn. */
const SLICE_MS = 4;
const SLICE_WHILE_HASHING_MS = 1;

/**
 * Takes a snapshot of a workspace: the paths, checksums, sizes, times and modes of its files, named by their content.
 *
 * Symlinks are never followed and never part of a snapshot; neither are FIFOs, sockets, devices and names that are not
 * UTF-8. Hidden files and the folders of `DEFAULT_EXCLUDE` are left out unless a rule takes them in. Nothing outside the
 * root is read, even when a folder is swapped for a symlink meanwhile.
 *
 * With a store, contents are durable before the manifest that names them, and both when it resolves.
 *
 * @param root - The workspace.
 * @throws {SnapshotError} `SNAPSHOT_ROOT`; `SNAPSHOT_CHANGED`, `SNAPSHOT_VANISHED` or `SNAPSHOT_UNREADABLE` naming a file,
 *   unless `onProblem` is `skip`.
 */
export async function takeSnapshot(
  root: string,
  options: TakeSnapshotOptions = {},
): Promise<SnapshotManifest> {
  const { include = DEFAULT_INCLUDE, exclude = [], clock = systemClock, signal } = options;
  const tree = includeTree(include);
  const rules = IgnoreRules.of(exclude);
  signal?.throwIfAborted();
  const real = realFolder(root);
  const scope = JSON.stringify([real, include, exclude]);
  const known = await cacheOf(scope, options);

  // The system's own clock: it is compared with times that the system gave, whatever clock the caller has.
  const startedNs = BigInt(Date.now()) * 1_000_000n;
  const warn = (path: string, reason: SkipReason) => options.onWarning?.(warningOf(path, reason));
  const problem = (path: string, reason: SkipReason, cause?: unknown) => {
    if (options.onProblem !== "skip") throw problemError(real, path, reason, cause);
    warn(path, reason);
  };

  let read = 0;
  let naming: Naming | undefined;
  await using pool = new HashPool({
    signal,
    onBytes: (bytes) => {
      read += bytes;
    },
    onHashed: (hashed, items, folders) => {
      walk.hashed(hashed, items, folders);
      naming?.advance();
    },
  });
  const walk = new TreeWalk({
    root: real,
    include: tree,
    rules,
    old: known?.index,
    reportMissing: options.include !== undefined,
    isRacy: (ctimeNs, mtimeNs) => isRacy(ctimeNs, mtimeNs, startedNs),
    hash: (folder, name, item) => pool.add(folder, name, item),
    warn,
    problem,
  });
  let since = performance.now();
  for (const _ of walk.run()) {
    if (pool.isFull) await pool.makeRoom();
    if (performance.now() - since < (pool.isBusy ? SLICE_WHILE_HASHING_MS : SLICE_MS)) continue;
    await new Promise<void>((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
    options.onProgress?.({ phase: "read", files: walk.found, bytes: read });
    since = performance.now();
  }
  // The id is made while the last files are still being read.
  if (!walk.isUnchanged) naming = new Naming(walk.index);
  await pool.finish();

  const { index } = walk;
  const id = walk.isUnchanged && known !== undefined ? known.id : (naming ?? new Naming(index)).finish();
  const manifest = withFiles(index, {
    schema: "holdfast/snapshot-manifest/v1",
    snapshot_id: id,
    created_at: formatTimestamp(clock()),
    workspace_root: "./",
    ...(options.include === undefined ? {} : { include: [...include] }),
    ...(exclude.length === 0 ? {} : { exclude: [...exclude] }),
    ...(options.store === undefined ? {} : { contents: options.contents ?? true }),
    files: [],
  });
  const cache = { scope, id, contents: manifest.contents === true, index };
  memories.set(manifest, cache);
  if (options.store !== undefined) {
    const isKept = walk.isUnchanged && known?.id === id && (known.contents || !cache.contents);
    await keepSnapshot(options.store, real, manifest, index, isKept, options);
    if (!isKept) await saveStatCache(options.store, scope, cache);
  }
  return manifest;
}

/** How many files a snapshot has, and how many bytes they have together. Cheap for one that was taken in this process. */
export function snapshotSize(manifest: SnapshotManifest): { readonly files: number; readonly bytes: number } {
  let [files, bytes] = [0, 0];
  const index = memories.get(manifest)?.index;
  const sizes = index === undefined ? manifest.files.map(({ size }) => size) : sizesOf(index);
  for (const size of sizes) {
    files++;
    bytes += size;
  }
  return { files, bytes };
}

function* sizesOf(index: TreeIndex): Generator<number> {
  for (const { item } of indexedFiles(index)) yield index.sizeOf(item);
}

async function cacheOf(
  scope: string,
  { previous, store }: TakeSnapshotOptions,
): Promise<StatCache | undefined> {
  const memory = previous === undefined ? undefined : memories.get(previous);
  if (memory?.scope === scope) return memory;
  return store === undefined ? undefined : loadStatCache(store, scope);
}

/** Gives a store the manifest, and the contents before it. `isKept`: it was given both before; it may have lost them. */
async function keepSnapshot(
  store: Store,
  real: string,
  manifest: SnapshotManifest,
  index: TreeIndex,
  isKept: boolean,
  { signal, onProgress }: TakeSnapshotOptions,
): Promise<void> {
  if (isKept && (await snapshotStore(store).has(manifest.snapshot_id))) return;
  if (manifest.contents === true) {
    let [files, bytes] = [0, 0];
    const onStored = ({ size }: IdentifiedFile): void => {
      bytes += size;
      onProgress?.({ phase: "store", files: ++files, bytes });
    };
    await keepContents(store, real, snapshotFiles(index), { signal, onStored });
  }
  await keepManifest(store, manifest, () => snapshotFiles(index));
}

/** A manifest whose files are listed when somebody looks at them: often the id is all that is asked for. */
function withFiles(index: TreeIndex, manifest: SnapshotManifest): SnapshotManifest {
  const files = (): SnapshotFile[] => {
    const value = [...snapshotFiles(index)];
    Object.defineProperty(manifest, "files", { value, enumerable: true, configurable: true, writable: true });
    return value;
  };
  return Object.defineProperty(manifest, "files", { get: files, enumerable: true, configurable: true });
}

/** Makes the id of an index while files are still being read: of the first files, up to one that is not known yet. */
class Naming {
  readonly #hash = new SnapshotIdHash();
  readonly #index: TreeIndex;
  readonly #files: ReturnType<typeof indexedFiles>;
  #next: ReturnType<ReturnType<typeof indexedFiles>["next"]>;

  constructor(index: TreeIndex) {
    this.#index = index;
    this.#files = indexedFiles(index);
    this.#next = this.#files.next();
  }

  advance(): void {
    for (; this.#next.done !== true; this.#next = this.#files.next()) {
      const { path, item } = this.#next.value;
      const flags = this.#index.flags[item] ?? 0;
      if ((flags & UNREAD) !== 0) return;
      // It was not skipped when it was come by.
      if ((flags & SKIPPED) !== 0) continue;
      this.#hash.add({ path, sha256: this.#index.sumOf(item), size: this.#index.sizeOf(item) }, true);
    }
  }

  finish(): string {
    this.advance();
    return this.#hash.id();
  }
}

/**
 * Whether a file may still change without its times showing it. A kernel's clock ticks every 1 to 10 milliseconds, a
 * coarse file system's every 1 or 2 seconds; a ctime that is older than a tick was left for good.
 */
function isRacy(ctimeNs: bigint, mtimeNs: bigint, startedNs: bigint): boolean {
  const latestNs = ctimeNs > mtimeNs ? ctimeNs : mtimeNs;
  if (latestNs <= startedNs - COARSE_NS) return false;
  const isCoarse = ctimeNs % 1_000_000n === 0n && mtimeNs % 1_000_000n === 0n;
  return isCoarse || latestNs > startedNs - FINE_NS;
}
