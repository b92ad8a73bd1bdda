import { setTimeout as delay } from "node:timers/promises";
import {
  diffSnapshots,
  SnapshotError,
  type SnapshotManifest,
  type SnapshotWarning,
  snapshotStore,
  takeSnapshot,
} from "@holdfast/snapshot";
import type { Store } from "@holdfast/storage";
import type { WorkflowConfig } from "../config/schema.ts";

const TRIES = 5;
const RETRY_MS = 100;

/** The folder a run works in, by its content. */
export interface Workspace {
  /** Absolute. */
  readonly root: string;
  /** Pins what is there now; manifest and contents are durable when it resolves. */
  take(): Promise<SnapshotManifest>;
  /** Paths that were added, removed or changed since a snapshot. */
  changesSince(snapshotId: string): Promise<readonly string[]>;
  /** Checksums by path of a snapshot; `undefined` when it is not kept any more. */
  filesOf(snapshotId: string): Promise<ReadonlyMap<string, string> | undefined>;
}

/** Opens a run's workspace. Files that change while they are read are read again, five times at most; `warn` is told once of each that is left out. */
export function openWorkspace(
  root: string,
  config: WorkflowConfig,
  store: Store,
  signal: AbortSignal | undefined,
  warn: (message: string) => void,
): Workspace {
  const selection = {
    ...(config.snapshot?.include === undefined ? {} : { include: config.snapshot.include }),
    ...(config.snapshot?.exclude === undefined ? {} : { exclude: config.snapshot.exclude }),
  };
  const snapshots = snapshotStore(store);
  const warned = new Set<string>();
  const onWarning = ({ path, message }: SnapshotWarning): void => {
    if (warned.has(path)) return;
    warned.add(path);
    warn(message);
  };
  let previous: SnapshotManifest | undefined;
  const take = async (): Promise<SnapshotManifest> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        previous = await takeSnapshot(root, { ...selection, store, signal, previous, onWarning });
        return previous;
      } catch (error) {
        const moving =
          error instanceof SnapshotError && ["SNAPSHOT_CHANGED", "SNAPSHOT_VANISHED"].includes(error.code);
        if (!moving || attempt >= TRIES) throw error;
        await delay(RETRY_MS);
      }
    }
  };
  return {
    root,
    take,
    async changesSince(snapshotId) {
      const now = await take();
      if (now.snapshot_id === snapshotId) return [];
      const then = await snapshots.load(snapshotId);
      const { added, removed, changed, renamed } = diffSnapshots(then, now);
      const paths = [...added, ...removed, ...changed].map(({ path }) => path);
      for (const { from, to } of renamed) paths.push(from, to);
      return [...new Set(paths)].toSorted();
    },
    async filesOf(snapshotId) {
      try {
        const manifest = await snapshots.load(snapshotId);
        return new Map(manifest.files.map((file) => [file.path, file.sha256]));
      } catch (error) {
        if (error instanceof SnapshotError && error.code === "SNAPSHOT_MISSING") return undefined;
        throw error;
      }
    },
  };
}
