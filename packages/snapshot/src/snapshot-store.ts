import { type Json, JsonList, type Store } from "@holdfast/storage";

import { diffSnapshots } from "./diff-snapshots.ts";
import { SnapshotError } from "./errors.ts";
import { keepContents } from "./file-contents.ts";
import {
  SNAPSHOT_ID_PATTERN,
  type SnapshotFile,
  type SnapshotManifest,
  snapshotManifestSchema,
} from "./manifest.ts";
import { realFolder } from "./real-folder.ts";
import { snapshotIdOf } from "./snapshot-id.ts";

const PREFIX = "snapshots/";
const ENDING = ".manifest";
const FORMAT = /^holdfast\/snapshot-manifest\/v(\d+)$/;

/** How {@link SnapshotStore.save} works. */
export interface SaveSnapshotOptions {
  /** The workspace whose files' contents are kept first. Without it only the manifest is. */
  readonly contentsOf?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called for each content that is in the store, with the number so far. */
  readonly onStored?: ((files: number) => void) | undefined;
}

/** Snapshots in a store: manifests as documents, contents as objects. */
export interface SnapshotStore {
  /**
   * Keeps a manifest, and with `contentsOf` the content of its files: these are durable before the manifest is.
   * A snapshot that is there already is kept once; newer modes replace older ones, and contents stay known.
   *
   * @throws {SnapshotError} `SNAPSHOT_COLLISION`, `SNAPSHOT_DAMAGED` (the manifest's id is not that of its files),
   *   `SNAPSHOT_CHANGED`, `SNAPSHOT_VANISHED`, `SNAPSHOT_UNREADABLE`; {@link StoreError}.
   */
  save(manifest: SnapshotManifest, options?: SaveSnapshotOptions): Promise<void>;
  /** @throws {SnapshotError} `SNAPSHOT_MISSING`; `SNAPSHOT_DAMAGED` (not a manifest, or its id is not that of its files); `SNAPSHOT_NEWER_VERSION`. */
  load(id: string): Promise<SnapshotManifest>;
  has(id: string): Promise<boolean>;
  /** The ids, sorted. */
  list(): Promise<readonly string[]>;
  /** Forgets a manifest; contents stay, because other snapshots may share them. False: there was none. */
  delete(id: string): Promise<boolean>;
}

/** Snapshots of a store. Nothing is opened: the store stays the caller's. */
export function snapshotStore(store: Store): SnapshotStore {
  return {
    save: (manifest, options) => saveSnapshot(store, manifest, options),
    load: (id) => loadSnapshot(store, id),
    async has(id) {
      if (!SNAPSHOT_ID_PATTERN.test(id)) return false;
      const { items } = await store.documents.list(keyOf(id), { limit: 1 });
      return items[0]?.key === keyOf(id);
    },
    async list() {
      const ids: string[] = [];
      let after: string | undefined;
      do {
        const page = await store.documents.list(PREFIX, after === undefined ? {} : { after });
        for (const { key } of page.items) {
          const id = key.slice(PREFIX.length, -ENDING.length);
          if (key.endsWith(ENDING) && SNAPSHOT_ID_PATTERN.test(id)) ids.push(id);
        }
        after = page.cursor;
      } while (after !== undefined);
      return ids;
    },
    async delete(id) {
      const there = await this.has(id);
      if (there) await store.documents.delete(keyOf(id));
      return there;
    },
  };
}

function keyOf(id: string): string {
  return `${PREFIX}${id}${ENDING}`;
}

async function saveSnapshot(
  store: Store,
  manifest: SnapshotManifest,
  options: SaveSnapshotOptions = {},
): Promise<void> {
  const id = manifest.snapshot_id;
  if (snapshotIdOf(manifest.files) !== id) {
    throw damaged(id, "its id is not that of its files; take it again");
  }
  if (options.contentsOf !== undefined) {
    let stored = 0;
    await keepContents(store, realFolder(options.contentsOf), manifest.files, {
      signal: options.signal,
      onStored: () => options.onStored?.(++stored),
    });
  }
  options.signal?.throwIfAborted();
  const kept = options.contentsOf === undefined ? manifest : { ...manifest, contents: true };
  await keepManifest(store, kept, () => kept.files);
}

/**
 * Keeps a manifest that is what its id says. Its `contents` is to be believed.
 *
 * @param files - Gives the manifest's files; its own list is looked at only where the snapshot is there already.
 */
export async function keepManifest(
  store: Store,
  manifest: SnapshotManifest,
  files: () => Iterable<SnapshotFile>,
): Promise<void> {
  const id = manifest.snapshot_id;
  const old = await existing(store, id);
  const contents = manifest.contents === true || old?.contents === true;
  if (old !== undefined && !isNews(old, manifest, contents)) return;
  const draft: Record<string, Json | JsonList> = {};
  for (const name of Object.keys(manifest)) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a manifest is JSON; its type has optional fields
    draft[name] = name === "files" ? new JsonList(() => files() as Iterable<Json>) : (manifest[name] as Json);
  }
  await store.documents.put(keyOf(id), { ...draft, contents });
}

/** The manifest that is there; one that cannot be read is as good as none, and replaced. */
async function existing(store: Store, id: string): Promise<SnapshotManifest | undefined> {
  try {
    return await loadSnapshot(store, id, { durable: true });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "SNAPSHOT_MISSING" || code === "SNAPSHOT_DAMAGED" || code === "STORE_DAMAGED")
      return undefined;
    throw error;
  }
}

function isNews(old: SnapshotManifest, manifest: SnapshotManifest, contents: boolean): boolean {
  const { added, removed, changed, renamed } = diffSnapshots(old, manifest);
  if (added.length + removed.length + changed.length + renamed.length > 0) {
    throw new SnapshotError(
      "SNAPSHOT_COLLISION",
      `Cannot save snapshot "${manifest.snapshot_id}": another snapshot has the same id; change any file and take it again`,
      { path: manifest.snapshot_id },
    );
  }
  return (
    (old.contents ?? false) !== contents ||
    !isSameList(old.include, manifest.include) ||
    !isSameList(old.exclude, manifest.exclude) ||
    old.files.some((file, index) => file.mode !== manifest.files[index]?.mode)
  );
}

function isSameList(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  return JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
}

async function loadSnapshot(
  store: Store,
  id: string,
  options: { readonly durable?: boolean } = {},
): Promise<SnapshotManifest> {
  const found = SNAPSHOT_ID_PATTERN.test(id) ? await store.documents.get(keyOf(id), options) : undefined;
  if (found === undefined) {
    throw new SnapshotError(
      "SNAPSHOT_MISSING",
      `Cannot load snapshot "${id}": the store has none of this id`,
      { path: id },
    );
  }
  return checkManifest(parseManifest(found.value, id), id);
}

/**
 * Takes a value for a manifest.
 *
 * @throws {SnapshotError} `SNAPSHOT_DAMAGED`, `SNAPSHOT_NEWER_VERSION`
 */
function parseManifest(value: unknown, id: string): SnapshotManifest {
  const version = FORMAT.exec(formatOf(value))?.[1];
  if (version !== undefined && Number(version) > 1) {
    throw new SnapshotError(
      "SNAPSHOT_NEWER_VERSION",
      `Cannot read snapshot "${id}": it is written in format ${version}, this version reads 1; use a newer Holdfast`,
      { path: id },
    );
  }
  const parsed = snapshotManifestSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw damaged(
    id,
    `${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}; take it again, or restore the store from a copy`,
  );
}

/**
 * Checks that a manifest's id is that of its files.
 *
 * @throws {SnapshotError} `SNAPSHOT_DAMAGED`
 */
export function checkManifest(manifest: SnapshotManifest, id = manifest.snapshot_id): SnapshotManifest {
  const actual = idOrProblem(manifest);
  if (manifest.snapshot_id === id && actual === id) return manifest;
  throw damaged(id, `its files give the id ${actual}; restore the store from a copy`);
}

function idOrProblem(manifest: SnapshotManifest): string {
  try {
    return snapshotIdOf(manifest.files);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function formatOf(value: unknown): string {
  return typeof value === "object" && value !== null && "schema" in value ? String(value.schema) : "";
}

function damaged(id: string, problem: string): SnapshotError {
  return new SnapshotError("SNAPSHOT_DAMAGED", `Cannot use snapshot "${id}": ${problem}`, { path: id });
}
