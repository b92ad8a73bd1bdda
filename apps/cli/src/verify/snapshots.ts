import { verifySnapshot } from "@holdfast/snapshot";
import type { FileStore } from "@holdfast/storage";
import { type Finding, unreadable } from "./finding.ts";

/** What stands against a snapshot: contents that are gone or changed. */
export async function snapshotFindings(
  store: FileStore,
  id: string,
  signal: AbortSignal,
): Promise<Finding[]> {
  const place = store.locate({ document: `snapshots/${id}.manifest` });
  try {
    const { contents } = await verifySnapshot(id, { store, signal });
    return contents.map(({ sha256, paths, problem }) => ({
      severity: "error",
      kind: "content",
      place: store.locate({ object: sha256 }),
      message: `content ${sha256} of ${paths.join(", ")} is ${problem}`,
      meaning: `Snapshot ${id} cannot give these files back; put the object back from a copy, or take the snapshot again where the files still are.`,
    }));
  } catch (error) {
    signal.throwIfAborted();
    return [unreadable(place, error)];
  }
}
