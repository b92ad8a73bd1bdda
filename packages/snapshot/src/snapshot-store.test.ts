import assert from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import { fileStore, type Json, memoryStore } from "@holdfast/storage";
import { temporaryFolder } from "@holdfast/test-kit";
import { describe, it } from "vitest";
import { writeTree } from "../test/tree.ts";
import { snapshotIdOf } from "./snapshot-id.ts";
import { snapshotStore } from "./snapshot-store.ts";
import { takeSnapshot } from "./take-snapshot.ts";

describe("snapshotStore()", () => {
  it("saves, loads, lists and deletes", async () => {
    using folder = temporaryFolder();
    const store = memoryStore();
    const snapshots = snapshotStore(store);
    writeTree(folder.path, { "src/a": "1" });
    const one = await takeSnapshot(folder.path, { store });
    writeFileSync(folder.file("src/a"), "22");
    const two = await takeSnapshot(folder.path, { store, contents: false });
    assert.deepEqual(await snapshots.list(), [one.snapshot_id, two.snapshot_id].toSorted());
    assert.deepEqual(await snapshots.load(one.snapshot_id), one);
    assert.equal((await snapshots.load(two.snapshot_id)).contents, false);
    assert.equal(await store.objects.has(one.files[0]?.sha256 ?? ""), true);
    assert.equal(await store.objects.has(two.files[0]?.sha256 ?? ""), false);
    assert.equal(await snapshots.delete(one.snapshot_id), true);
    assert.equal(await snapshots.delete(one.snapshot_id), false);
    assert.deepEqual(
      [await snapshots.has(one.snapshot_id), await snapshots.has(two.snapshot_id)],
      [false, true],
    );
    for (const id of [one.snapshot_id, "snap-0", "../../etc/passwd", ""]) {
      await assert.rejects(snapshots.load(id), { code: "SNAPSHOT_MISSING", path: id });
      assert.equal(await snapshots.has(id), false);
    }
  });

  it("is what formats.md says: snapshots/<id>.manifest.json and objects/<aa>/<62 hex>", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "src/a": "hello" });
    await using store = fileStore(folder.file("store"));
    const { snapshot_id: id } = await takeSnapshot(folder.path, { store });
    const { readFileSync } = process.getBuiltinModule("node:fs");
    const text = readFileSync(folder.file(`store/snapshots/${id}.manifest.json`), "utf8");
    assert.equal(snapshotIdOf(JSON.parse(text).files), id);
    assert.ok(text.startsWith('{\n  "schema": "holdfast/snapshot-manifest/v1",\n') && text.endsWith("}\n"));
    const object = "store/objects/2c/f24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    assert.equal(readFileSync(folder.file(object), "utf8"), "hello");
  });

  it("keeps contents that a manifest-only snapshot of the same files comes after, and adds them to one before", async () => {
    using folder = temporaryFolder();
    const store = memoryStore();
    writeTree(folder.path, { "src/a": "1" });
    const { snapshot_id: id } = await takeSnapshot(folder.path, { store, contents: false });
    assert.equal((await snapshotStore(store).load(id)).contents, false);
    await takeSnapshot(folder.path, { store });
    assert.equal((await snapshotStore(store).load(id)).contents, true);
    await takeSnapshot(folder.path, { store, contents: false });
    assert.equal((await snapshotStore(store).load(id)).contents, true);
  });

  it("takes newer modes over, which are not part of the id", async () => {
    using folder = temporaryFolder();
    const store = memoryStore();
    writeTree(folder.path, { "src/a": { content: "1", mode: 0o644 } });
    const { snapshot_id: id } = await takeSnapshot(folder.path, { store });
    chmodSync(folder.file("src/a"), 0o755);
    assert.equal((await takeSnapshot(folder.path, { store })).snapshot_id, id);
    assert.equal((await snapshotStore(store).load(id)).files[0]?.mode, "0755");
  });

  it("keeps the manifest and contents again when the store has lost them", async () => {
    using folder = temporaryFolder();
    const store = memoryStore();
    writeTree(folder.path, { "src/a": "1" });
    await new Promise((resolve) => setTimeout(resolve, 130));
    const first = await takeSnapshot(folder.path, { store });
    await snapshotStore(store).delete(first.snapshot_id);
    await store.objects.delete(first.files[0]?.sha256 ?? "");
    await takeSnapshot(folder.path, { store });
    assert.deepEqual((await snapshotStore(store).load(first.snapshot_id)).files, first.files);
    assert.equal(await store.objects.has(first.files[0]?.sha256 ?? ""), true);
  });

  it("refuses a manifest that was changed, whatever was changed of it", async () => {
    using folder = temporaryFolder();
    const store = memoryStore();
    const snapshots = snapshotStore(store);
    writeTree(folder.path, { "src/a": "1", "src/b": "2" });
    const manifest = await takeSnapshot(folder.path, { store });
    const id = manifest.snapshot_id;
    const [a, b] = manifest.files;
    const changes: [string, unknown][] = [
      ["SNAPSHOT_DAMAGED", { ...manifest, files: [a] }],
      ["SNAPSHOT_DAMAGED", { ...manifest, files: [a, { ...b, path: "src/c" }] }],
      ["SNAPSHOT_DAMAGED", { ...manifest, files: [a, { ...b, size: 2 }] }],
      ["SNAPSHOT_DAMAGED", { ...manifest, files: [a, { ...b, sha256: a?.sha256 }] }],
      ["SNAPSHOT_DAMAGED", { ...manifest, files: [a, a] }],
      ["SNAPSHOT_DAMAGED", { ...manifest, snapshot_id: "snap-000000000000" }],
      ["SNAPSHOT_DAMAGED", { ...manifest, files: "none" }],
      ["SNAPSHOT_DAMAGED", 7],
      ["SNAPSHOT_NEWER_VERSION", { ...manifest, schema: "holdfast/snapshot-manifest/v2" }],
    ];
    for (const [code, value] of changes) {
      await store.documents.put(`snapshots/${id}.manifest`, JSON.parse(JSON.stringify(value)) as Json);
      await assert.rejects(snapshots.load(id), { code, path: id });
    }
    const { schema: _, ...old } = manifest;
    await store.documents.put(`snapshots/${id}.manifest`, { ...old, another: "field" } as never);
    assert.equal(
      (await snapshots.load(id))["another"],
      "field",
      "one without schema is v1; unknown fields are kept",
    );
  });

  it("refuses to save what is not what its id says, and another snapshot with the same id", async () => {
    using folder = temporaryFolder();
    const store = memoryStore();
    writeTree(folder.path, { "src/a": "1" });
    const manifest = await takeSnapshot(folder.path, { store });
    await assert.rejects(snapshotStore(store).save({ ...manifest, snapshot_id: "snap-000000000000" }), {
      code: "SNAPSHOT_DAMAGED",
    });
  });
});
