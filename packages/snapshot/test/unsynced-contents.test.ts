import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { crashDisk, faultyFileSystem } from "@holdfast/fsutil/faults";
import { fileStore } from "@holdfast/storage";
import { temporaryFolders } from "@holdfast/test-kit";
import { it } from "vitest";
import { snapshotStore, takeSnapshot, verifySnapshot } from "../src/index.ts";

const newFolder = temporaryFolders();

it("a snapshot that is saved after another one was killed, at any call, is whole after a loss of power", async () => {
  const root = newFolder();
  for (const name of ["a", "b"]) writeFileSync(join(root, name), `${name}\n`.repeat(200));
  const manifest = await takeSnapshot(root);
  for (let at = 1; ; at += 1) {
    const disk = crashDisk();
    const dying = faultyFileSystem(disk, { at, lasting: true });
    await snapshotStore(fileStore("/store", { fileSystem: dying }))
      .save(manifest, { contentsOf: root })
      .catch(() => undefined);
    if (dying.injected === 0) return;

    const left = disk.afterPowerLoss("everything");
    await using second = fileStore("/store", { fileSystem: left });
    await snapshotStore(second).save(manifest, { contentsOf: root });
    await using after = fileStore("/store", { fileSystem: left.afterPowerLoss("synced") });
    const { ok } = await verifySnapshot(manifest.snapshot_id, { store: after, contents: true });
    assert.ok(ok, `killed at call ${at}: ${JSON.stringify(dying.calls[at - 1])}`);
  }
});
