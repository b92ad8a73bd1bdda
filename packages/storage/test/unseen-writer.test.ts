import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolders } from "@holdfast/test-kit";
import { describe, it } from "vitest";
import { item } from "../src/conformance/log-cases.ts";
import { fileStore } from "../src/index.ts";
import { logLockPath } from "../src/log-lock.ts";

const newFolder = temporaryFolders();

/** A lock as a process on another host left it. */
function lockElsewhere(root: string, worker: string): void {
  const folder = join(root, logLockPath("runs/a/ledger"));
  mkdirSync(folder, { recursive: true });
  const holder = {
    token: 1,
    pid: 4_711,
    process_start: "1",
    boot_id: "another",
    pid_namespace: "another",
    host: "elsewhere",
    worker,
    since: "2026-01-02T03:04:05.000Z",
    kernel_lock: false,
  };
  writeFileSync(join(folder, "epoch-1"), JSON.stringify(holder));
}

describe("a log whose writer cannot be seen from here", () => {
  it("is refused, never guessed free: the writer may live", async () => {
    const root = newFolder();
    await using store = fileStore(root, { writerWaitMs: 0 });
    await store.documents.put("runs/a/run", 1);
    lockElsewhere(root, "writer of runs/a/ledger");
    const held = await store.logs.append("runs/a/ledger", [item("m1")]).catch((error: unknown) => error);
    assert.ok(held instanceof Error && "code" in held);
    assert.equal(held.code, "STORE_HELD");
    assert.match(held.message, /process 4711 on elsewhere since 2026-01-02T03:04:05/);
    await store.work.offer("runs", "a", {});
    const [fence] = await store.work.claim("runs", "me", { id: "a" });
    assert.ok(fence !== undefined);
    await assert.rejects(store.logs.append("runs/a/ledger", [item("m1")], { fence }), { code: "STORE_HELD" });
  });

  it("is open to whoever holds the item now under which it was written, without a wait", async () => {
    const root = newFolder();
    await using store = fileStore(root, { writerWaitMs: 600_000 });
    await store.work.offer("runs", "a", {});
    lockElsewhere(root, "writer of runs/a/ledger under runs/a");
    await using hasty = fileStore(root, { writerWaitMs: 0 });
    await assert.rejects(hasty.logs.append("runs/a/ledger", [item("m1")]), { code: "STORE_HELD" });
    const [fence] = await store.work.claim("runs", "me", { id: "a" });
    assert.ok(fence !== undefined);
    const answer = await store.logs.append("runs/a/ledger", [item("m1")], { fence });
    assert.deepEqual(answer, { position: 1, duplicate: false });
  });
});
