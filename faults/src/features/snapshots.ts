import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { type SnapshotManifest, snapshotStore, takeSnapshot, verifySnapshot } from "@holdfast/snapshot";
import { type Feature, feature } from "../feature.ts";
import { checkList } from "../old-or-new.ts";
import { afterCrash, withStore } from "../simulated-store.ts";

/** A workspace on the real disk at two moments, which share a file. Made when it is first asked for, and kept while this process lives. */
interface Workspace {
  readonly root: string;
  readonly manifest: SnapshotManifest;
}

let made: Promise<readonly Workspace[]> | undefined;

async function makeWorkspaces(): Promise<readonly Workspace[]> {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-faults-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const workspaces: Workspace[] = [];
  for (const name of ["first", "second"]) {
    const root = join(folder, name);
    mkdirSync(join(root, "src"), { recursive: true });
    writeFileSync(join(root, "src", "same.txt"), "the same in both\n".repeat(50));
    writeFileSync(join(root, "src", "other.txt"), `${name}\n`.repeat(300));
    workspaces.push({ root, manifest: await takeSnapshot(root) });
  }
  return workspaces;
}

/** Snapshots of workspaces. */
export const SNAPSHOTS: readonly Feature[] = [
  feature<string, string[]>("snapshots kept", "a snapshot that is there has all its contents, whole", {
    workload: ({ fileSystem, begin, acknowledge }) =>
      withStore(fileSystem, async (store) => {
        for (const { root, manifest } of await (made ??= makeWorkspaces())) {
          begin(manifest.snapshot_id);
          await snapshotStore(store).save(manifest, { contentsOf: root });
          acknowledge(manifest.snapshot_id);
        }
      }),
    recover: (disk) =>
      afterCrash(disk, async (store) => {
        const found: string[] = [];
        for (const { manifest } of await (made ??= makeWorkspaces())) {
          const id = manifest.snapshot_id;
          if (!(await snapshotStore(store).has(id))) continue;
          const { ok, contents } = await verifySnapshot(id, { store, contents: true });
          assert.ok(ok, JSON.stringify(contents));
          found.push(id);
        }
        return found;
      }),
    check: ({ recovered, ...promised }) => checkList(recovered, promised),
  }),
];
