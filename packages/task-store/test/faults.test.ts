import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { nodeFileSystem } from "@holdfast/fsutil";
import { type FaultPlan, faultyFileSystem } from "@holdfast/fsutil/faults";
import { fileStore, type Store } from "@holdfast/storage";
import { temporaryFolder } from "@holdfast/test-kit";
import { describe, it } from "vitest";
import { jobStore, type Task, taskStore, verifyJob, verifyTasks } from "../src/index.ts";

const task = (pipeline: string): Task => ({
  task_id: "task-p-00000000",
  spec: { task_spec_id: "p" },
  lifecycle: "active",
  status: "running",
  pipeline_id: pipeline,
  created_at: "2026-01-02T03:04:05Z",
  updated_at: "2026-01-02T03:04:05Z",
});

/** Every call with HOLDFAST_LONG; otherwise every third, from another one for each kind of fault. */
const STEP = process.env["HOLDFAST_LONG"] === "1" ? 1 : 3;

/** Tries something on a copy of a store, with calls of the file system failing in turn, until a run is clean. */
async function everyFault(
  prepare: (store: Store) => Promise<unknown>,
  act: (store: Store) => Promise<boolean>,
  check: (store: Store, acknowledged: boolean) => Promise<void>,
): Promise<void> {
  using folder = temporaryFolder();
  const before = join(folder.path, "before");
  {
    await using store = fileStore(before);
    await prepare(store);
  }
  const plans: readonly FaultPlan[] = [
    { errno: "EIO" },
    { errno: "EIO", lasting: true },
    { errno: "ENOSPC", shortWrites: true },
    { errno: "EIO", afterEffect: true },
  ];
  for (const [kind, plan] of plans.entries()) {
    for (let at = 1 + (kind % STEP); ; at += STEP) {
      const root = join(folder.path, `${kind}-${at}`);
      cpSync(before, root, { recursive: true });
      const disk = faultyFileSystem(nodeFileSystem, { ...plan, at });
      let acknowledged: boolean;
      {
        const store = fileStore(root, { fileSystem: disk });
        acknowledged = await act(store);
        await store.close().catch(() => {});
      }
      await using store = fileStore(root);
      await check(store, acknowledged);
      if (disk.injected === 0) {
        assert.equal(acknowledged, true);
        assert.ok(at > 5, "there is something to fail");
        break;
      }
    }
  }
}

describe("a disk that fails at any call", () => {
  it("leaves a job where it was or where it went, and a manifest that fits together", async () => {
    await everyFault(
      async (store) => {
        await jobStore(store).create({ job_id: "j", description: "d" });
      },
      async (store) => {
        try {
          await jobStore(store).transition("j", "activate", { cost: 1 });
          return true;
        } catch {
          return false;
        }
      },
      async (store, acknowledged) => {
        const jobs = jobStore(store);
        const job = await jobs.load("j");
        assert.ok(job?.status === "PENDING" || (!acknowledged && job?.status === "DRAFT"));
        assert.deepEqual(verifyJob(job), []);
        assert.deepEqual(await Array.fromAsync(jobs.list()), [job]);
        // And on it goes, without any repair by hand.
        const next = await jobs.transition("j", job.status === "DRAFT" ? "activate" : "start");
        assert.equal(next.revision, job.revision + 1);
      },
    );
  });

  it("makes saving a task a failure that is a value, with the old task or the new one left", async () => {
    await everyFault(
      (store) => taskStore(store).save(task("old")),
      async (store) => {
        const saved = await taskStore(store).save(task("new"));
        if (!saved.ok) assert.equal(saved.error.code, "IO", saved.error.message);
        return saved.ok;
      },
      async (store, acknowledged) => {
        const loaded = await taskStore(store).load("task-p-00000000");
        const found = loaded.ok ? loaded.value.pipeline_id : loaded.error.message;
        assert.ok(found === "new" || (!acknowledged && found === "old"), String(found));
        assert.deepEqual(await Array.fromAsync(verifyTasks(store)), []);
        assert.deepEqual((await taskStore(store).save(task("later"))).ok, true);
      },
    );
  });

  it("makes reading a failure that is a value, never a task that is not there", async () => {
    await everyFault(
      (store) => taskStore(store).save(task("old")),
      async (store) => {
        const tasks = taskStore(store);
        const results = [await tasks.load("task-p-00000000"), await tasks.metadata("task-p-00000000")];
        const listed = await tasks.list("p");
        for (const result of [...results, listed])
          if (!result.ok) assert.equal(result.error.code, "IO", result.error.message);
        if (listed.ok) assert.deepEqual(listed.value, ["task-p-00000000"]);
        return results.every(({ ok }) => ok) && listed.ok;
      },
      async (store, acknowledged) => {
        const loaded = await taskStore(store).load("task-p-00000000");
        assert.ok(loaded.ok || !acknowledged);
      },
    );
  });
});
