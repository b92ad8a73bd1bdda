import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileStore } from "@holdfast/storage";
import { startProgram, temporaryFolder } from "@holdfast/test-kit";
import { describe, it } from "vitest";
import { jobStore, taskStore, verifyJobs, verifyTasks } from "../src/index.ts";

const WORKER = join(import.meta.dirname, "worker.ts");

describe("several processes on one store", () => {
  it("lose no update of a job, and leave the index in step", async () => {
    using folder = temporaryFolder();
    await using store = fileStore(folder.path);
    const jobs = jobStore(store);
    await jobs.create({ job_id: "shared", description: "counted" });
    const workers = ["a", "b", "c"].map((name) => startProgram(WORKER, ["count", folder.path, name, "8"]));
    for (const { code, stderr } of await Promise.all(workers.map(({ ended }) => ended)))
      assert.deepEqual([code, stderr], [0, ""]);
    const shared = await jobs.load("shared");
    assert.deepEqual([shared?.["count"], shared?.revision], [24, 25]);
    const listed = await Array.fromAsync(jobs.list());
    assert.equal(listed.length, 25);
    const index: { jobs: Record<string, unknown> } = JSON.parse(
      readFileSync(join(folder.path, "jobs", "jobs_index.json"), "utf8"),
    );
    assert.deepEqual(
      Object.keys(index.jobs).toSorted(),
      listed.map(({ job_id: id }) => id),
    );
    assert.deepEqual(await Array.fromAsync(verifyJobs(store)), []);
  });

  it("one works on a job, the other is told; after kill -9 the next one recovers it, and the third time a person is asked", async () => {
    using folder = temporaryFolder();
    await using store = fileStore(folder.path);
    const jobs = jobStore(store);
    await jobs.create({ job_id: "shared", description: "held" });
    await jobs.transition("shared", "activate");
    let lastToken = 0;
    for (let round = 1; round <= 3; round += 1) {
      const first = startProgram(WORKER, ["hold", folder.path, `w${round}`]);
      const [, token = 0] = ((await first.line()) ?? "").split(" ").map(Number);
      assert.ok(token > lastToken, `fence ${token} after ${lastToken}`);
      lastToken = token;
      const second = startProgram(WORKER, ["hold", folder.path, "late"]);
      assert.equal(await second.line(), `JOB_HELD ${first.pid}`);
      // Its holder lives: not ours to recover.
      assert.equal((await jobs.recover("shared")).status, "RUNNING");
      first.process.kill("SIGKILL");
      await Promise.all([first.ended, second.ended]);
      const job = await jobs.load("shared");
      assert.equal(job?.status, "RUNNING", "it shows where it was interrupted");
      const [finding, ...more] = await Array.fromAsync(verifyJobs(store));
      assert.deepEqual([finding?.severity, finding?.kind, more], ["info", "interrupted", []]);
    }
    const job = await jobs.recover("shared");
    assert.equal(job.status, "INTERVENTION_REQUIRED");
    assert.deepEqual(
      job.history.map(({ action, status }) => `${action} ${status}`),
      [
        "undefined DRAFT",
        "activate PENDING",
        "start RUNNING",
        "recover PENDING",
        "start RUNNING",
        "recover PENDING",
        "start RUNNING",
        "recover INTERVENTION_REQUIRED",
      ],
    );
  });

  it("a task that is saved until its writer is killed is whole, and the last that was acknowledged or the next", async () => {
    using folder = temporaryFolder();
    for (let round = 0; round < 4; round += 1) {
      const writer = startProgram(WORKER, ["save", folder.path]);
      let last = await writer.line();
      for (let n = 0; n < 3 + round; n += 1) last = (await writer.line()) ?? last;
      writer.process.kill("SIGKILL");
      for (let line = await writer.line(); line !== undefined; line = await writer.line()) last = line;
      await writer.ended;
      await using store = fileStore(folder.path);
      const loaded = await taskStore(store).load("task-p-00000000");
      assert.ok(loaded.ok, loaded.ok ? "" : loaded.error.message);
      const found = Number(loaded.value.pipeline_id);
      assert.ok(found === Number(last) || found === Number(last) + 1, `${found} after ${last}`);
      assert.deepEqual(await Array.fromAsync(verifyTasks(store)), []);
    }
  });
});
