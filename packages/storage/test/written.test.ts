import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { nodeFileSystem } from "@holdfast/fsutil";
import { crashDisk, type FaultCall, faultyFileSystem } from "@holdfast/fsutil/faults";
import { temporaryFolders } from "@holdfast/test-kit";
import { describe, it } from "vitest";
import { item } from "../src/conformance/log-cases.ts";
import { gather } from "../src/conformance/test-api.ts";
import { type FileStore, fileStore } from "../src/index.ts";

const newFolder = temporaryFolders();
const KEY = "runs/r/events";
const WRITTEN = { durability: "written", whole: false } as const;

function isOnEvents(operation: string): (call: FaultCall) => boolean {
  return (call) => call.operation === operation && call.path.endsWith("events.jsonl");
}

async function idsOf(store: FileStore): Promise<string[]> {
  return (await gather(store.logs.read(KEY))).map(({ text }) => String(JSON.parse(text).message_id));
}

describe("lines that are only written", () => {
  it("are synced within about a second, by sync(), and by close(), once for all", async () => {
    const fileSystem = faultyFileSystem(nodeFileSystem, { counts: isOnEvents("sync") });
    const store = fileStore(newFolder(), { fileSystem, writerIdleMs: 60_000 });
    await store.logs.append(KEY, [item("m0")]);
    const before = fileSystem.calls.length;
    for (let n = 1; n <= 20; n += 1) await store.logs.append(KEY, [item(`m${n}`)], WRITTEN);
    assert.equal(fileSystem.calls.length, before);
    await store.logs.sync(KEY);
    await store.logs.sync(KEY);
    assert.equal(fileSystem.calls.length, before + 1);
    await store.logs.append(KEY, [item("m21")], WRITTEN);
    for (let waited = 0; fileSystem.calls.length < before + 2; waited += 20) {
      assert.ok(waited < 5_000);
      await sleep(20);
    }
    await store.logs.append(KEY, [item("m22")], WRITTEN);
    await store.close();
    assert.equal(fileSystem.calls.length, before + 3);
  });

  it("that a sync failed for are never said to be durable", async () => {
    let fails = false;
    const counts = (call: FaultCall): boolean => fails && isOnEvents("sync")(call);
    const fileSystem = faultyFileSystem(nodeFileSystem, { at: 1, counts });
    const store = fileStore(newFolder(), { fileSystem });
    await store.logs.append(KEY, [item("m1")], WRITTEN);
    fails = true;
    for (let tries = 0; tries < 3; tries += 1) {
      await assert.rejects(store.logs.sync(KEY), { code: "STORE_FAILED" });
      await assert.rejects(store.logs.append(KEY, [item("m2")], WRITTEN), { code: "STORE_FAILED" });
    }
    await store.close();
  });

  it("may have a hole after a power cut, which is told and not in the way of what follows", async () => {
    const root = newFolder();
    const first = fileStore(root);
    for (const id of ["m1", "m2", "m3"]) await first.logs.append(KEY, [item(id)], WRITTEN);
    await first.close();
    const path = join(root, "runs/r/events.jsonl");
    const lines = readFileSync(path, "utf8").split("\n");
    writeFileSync(path, ["\0".repeat(lines[0]?.length ?? 0), ...lines.slice(1)].join("\n"));
    await using store = fileStore(root);
    const { position } = await store.logs.append(KEY, [item("m4")], WRITTEN);
    assert.equal(position, 4);
    const found = await gather(store.logs.read(KEY, { from: 2 }));
    assert.deepEqual(
      found.map(({ text }) => String(JSON.parse(text).message_id)),
      ["m2", "m3", "m4"],
    );
    assert.deepEqual(
      (await store.check()).map(({ kind, line }) => [kind, line]),
      [["damaged-line", 1]],
    );
  });

  it("survive a full disk: sync() after it keeps what was written before", async () => {
    const root = newFolder();
    const plan = { at: 3, counts: isOnEvents("write"), errno: "ENOSPC" } as const;
    const store = fileStore(root, { fileSystem: faultyFileSystem(nodeFileSystem, plan) });
    await store.logs.append(KEY, [item("m1")], WRITTEN);
    await store.logs.append(KEY, [item("m2")], WRITTEN);
    await assert.rejects(store.logs.append(KEY, [item("m3")], WRITTEN), { code: "STORE_NO_SPACE" });
    await store.logs.sync(KEY);
    assert.deepEqual(await idsOf(store), ["m1", "m2"]);
    await store.logs.append(KEY, [item("m4")], WRITTEN);
    await store.close();
    await using again = fileStore(root);
    assert.deepEqual(await idsOf(again), ["m1", "m2", "m4"]);
  });

  it("are there after a loss of power at any call, in order, as far as they were synced", async () => {
    const all = Array.from({ length: 12 }, (_, n) => [`m${n + 1}`, `n${n + 1}`]).flat();
    for (let at = 1; ; at += 1) {
      const disk = crashDisk();
      const dying = faultyFileSystem(disk, { at, lasting: true });
      const store = fileStore("/store", { fileSystem: dying, writerWaitMs: 0 });
      let synced = 0;
      try {
        for (let n = 1; n <= 12; n += 1) {
          await store.logs.append(KEY, [item(`m${n}`), item(`n${n}`)], { ...WRITTEN, rotateBytes: 120 });
          if (n % 3 !== 0) continue;
          await store.logs.sync(KEY);
          synced = n;
        }
      } catch {
        // it was the call that failed
      }
      for (const kept of ["synced", "names", "everything"] as const) {
        const left = disk.afterPowerLoss(kept);
        for (const path of left.paths()) if (path.includes("/epoch-")) left.unlinkSync(path);
        await using after = fileStore("/store", { fileSystem: left });
        const found = await idsOf(after);
        assert.ok(found.length >= 2 * synced, `call ${at}, ${kept}: ${found.length} of ${2 * synced}`);
        assert.deepEqual(found, all.slice(0, found.length), `call ${at}, ${kept}`);
        assert.equal((await after.logs.count(KEY, {})).count, found.length);
      }
      await store.close().catch(() => undefined);
      if (dying.injected === 0) return;
    }
  });
});

describe("rotateBytes of an append", () => {
  it("is taken when the log is opened, and leaves every line whole", async () => {
    const root = newFolder();
    await using store = fileStore(root);
    for (let n = 0; n < 30; n += 1)
      await store.logs.append(KEY, [item(`m${n}`)], { ...WRITTEN, rotateBytes: 100 });
    const names = readdirSync(join(root, "runs/r"));
    assert.ok(names.length >= 5, names.join());
    assert.ok(
      names.every((name) => /^events(_\d{4}-\d{2}-\d{2}_\d{2}-\d{2}-\d{2}(_\d{3})?)?\.jsonl$/.test(name)),
    );
    assert.equal((await idsOf(store)).length, 30);
  });
});
