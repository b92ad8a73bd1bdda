import { randomUUID } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { syncDirectory } from "@holdfast/fsutil";
import { snapshotStore } from "@holdfast/snapshot";
import type { FileStore } from "@holdfast/storage";
import { messageOf } from "../failure.ts";
import type { AgeClock } from "./age-clock.ts";
import { durationText } from "./duration.ts";
import type { GcPlan, Removal } from "./removal.ts";
import { ageOf, namesIn, storedFile } from "./stored-file.ts";

/** A snapshot that is being taken names its contents only at its end: what was put or asked for within this time stays. */
const SMALLEST_OBJECT_AGE_MS = 3_600_000;
const DEFAULT_OBJECT_AGE_MS = 86_400_000;

/**
 * Contents that no snapshot names and that nobody put or asked for lately. When a manifest cannot be read, nobody knows what it names,
 * and everything stays.
 *
 * @param olderThanMs - How long they must have been left alone; default one day, at least one hour.
 */
export async function unreferencedObjects(
  store: FileStore,
  {
    olderThanMs = DEFAULT_OBJECT_AGE_MS,
    clock,
  }: { readonly olderThanMs?: number | undefined; readonly clock: AgeClock },
): Promise<GcPlan> {
  const ageMs = Math.max(olderThanMs, SMALLEST_OBJECT_AGE_MS);
  // Before the manifests: whoever asks for one of them from now on is noticed by its time.
  const files = objectFiles(store).map((one) => ({ ...one, file: storedFile(store, one.path) }));
  if (files.length === 0) return { removals: [], left: [] };
  const named = new Set<string>();
  for (const id of await snapshotStore(store).list()) {
    try {
      const { files: manifest } = await snapshotStore(store).load(id);
      for (const { sha256 } of manifest) named.add(sha256);
    } catch (error) {
      const place = store.locate({ document: `snapshots/${id}.manifest` });
      const reason = `contents are left alone, because this manifest cannot be read and may name any of them: ${messageOf(error)}`;
      return { removals: [], left: [{ place, reason }] };
    }
  }
  const removals = files
    .filter(({ checksum }) => !named.has(checksum))
    .map(({ file }) => file)
    .filter((file) => file !== undefined)
    .filter((file) => ageOf(file, clock) >= ageMs)
    .map(
      ({ path, bytes, mtimeNs }): Removal => ({
        kind: "object",
        path,
        bytes,
        reason: `named by no snapshot, unused for more than ${durationText(ageMs)}`,
        remove: () => removeObject(store, path, { mtimeNs, beforeMs: clock.nowMs() - ageMs }),
      }),
    );
  return { removals, left: [] };
}

/**
 * Removes an object unless somebody asked for it meanwhile. It is renamed first: from then on nobody finds it any more, and its time
 * tells whether somebody did before: it is not the one that was seen, whatever a clock that was set back says, or it is too new.
 */
async function removeObject(
  { root, fileSystem }: FileStore,
  relative: string,
  seen: { readonly mtimeNs: bigint; readonly beforeMs: number },
): Promise<boolean> {
  const path = join(root, relative);
  // The name of a temporary file: should this process die now, `repair` removes it.
  const random = randomUUID().slice(0, 8);
  const aside = join(dirname(path), `.${basename(path)}.tmp.${process.pid}.${random}`);
  try {
    fileSystem.renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
  const mtimeNs = fileSystem.lstatSync(aside)?.mtimeNs;
  // Nobody but a repair takes it away from there.
  if (mtimeNs === undefined) return true;
  const isUsed = mtimeNs !== seen.mtimeNs || Number(mtimeNs) / 1e6 > seen.beforeMs;
  // Put again meanwhile, it is there already.
  if (isUsed && fileSystem.lstatSync(path) === undefined) fileSystem.renameSync(aside, path);
  else fileSystem.unlinkSync(aside);
  await syncDirectory(dirname(path), { fileSystem });
  return !isUsed;
}

function objectFiles(store: FileStore): { readonly checksum: string; readonly path: string }[] {
  const found: { checksum: string; path: string }[] = [];
  for (const start of namesIn(store, "objects")) {
    if (!/^[0-9a-f]{2}$/.test(start)) continue;
    for (const name of namesIn(store, `objects/${start}`)) {
      const rest = /^([0-9a-f]{62})(\.zst)?$/.exec(name)?.[1];
      if (rest !== undefined)
        found.push({ checksum: `sha256:${start}${rest}`, path: `objects/${start}/${name}` });
    }
  }
  return found.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}
