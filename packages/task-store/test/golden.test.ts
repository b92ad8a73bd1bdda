import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Json, memoryStore } from "@holdfast/storage";
import { describe, expect, it } from "vitest";
import {
  jobStore,
  listReceipts,
  recordReceipt,
  runStore,
  taskStore,
  verifyJobs,
  verifyTasks,
} from "../src/index.ts";

// Documents as version 1 wrote them, or as another program did. What reads them must go on to read them.
function golden(name: string): Record<string, Json> {
  const document: Record<string, Json> = JSON.parse(
    readFileSync(join(import.meta.dirname, "golden", name), "utf8"),
  );
  return document;
}

const MINE = "run-20260102-030405-0001abff";
const JOB = "job-20260102-030405-0001abff";
const OTHER = "EconomicTest_2agents_20260102_030405_01";

describe("golden files", () => {
  it("receipts are read with everything in them; what is missing is of version 1", async () => {
    await using store = memoryStore();
    const mine = golden("receipt-v1.json");
    const other = golden("receipt-elsewhere.json");
    await store.documents.put("runs/r/receipts/T-0042/step-1", mine);
    await store.documents.put("runs/r/receipts/T-0042/step-2", other);
    const receipts = await listReceipts(store, "r");
    expect(receipts).toEqual([mine, { schema: "holdfast/receipt/v1", ...other }]);
    for (const receipt of receipts) expect(await recordReceipt(store, "r", receipt)).toEqual(receipt);
  });

  it("run states are read with everything in them, and gone on with", async () => {
    await using store = memoryStore();
    const runs = runStore(store, { clock: () => 0n });
    const mine = golden("run-state-v1.json");
    const other = golden("run-state-elsewhere.json");
    for (const [id, state] of [
      [MINE, mine],
      [OTHER, other],
    ] as const)
      await store.documents.put(`runs/${id}/run`, state);
    expect(await runs.load(MINE)).toEqual(mine);
    expect(await runs.load(OTHER)).toEqual({
      schema: "holdfast/run-state/v1",
      terminal_events: {},
      attempts: 1,
      revision: 1,
      ...other,
    });
    const again = await runs.resume(MINE);
    const { error, completed_at, ...rest } = mine;
    expect([error, completed_at]).not.toContain(undefined);
    expect(again).toEqual({
      ...rest,
      status: "running",
      attempts: 3,
      revision: 18,
      updated_at: "1970-01-01T00:00:00.000000Z",
    });
  });

  it("tasks come back as they stand in the file, but for the name that the store gave the format", async () => {
    await using store = memoryStore();
    const tasks = taskStore(store);
    for (const [name, project, id] of [
      ["task-v1.json", "duration", "task-duration-0001abff"],
      ["task-elsewhere.json", "a-b", "task-a-b-00000001"],
    ] as const) {
      const task = golden(name);
      const { schema: _schema, ...saved } = task;
      await store.documents.put(`tasks/${project}/${id}`, task);
      const loaded = await tasks.load(id);
      expect(loaded).toStrictEqual({ ok: true, value: saved });
      expect(await tasks.metadata(id)).toMatchObject({ ok: true, value: { status: task["status"] } });
      expect(await tasks.list(project)).toEqual({ ok: true, value: [id] });
      if (!loaded.ok) continue;
      await tasks.save(loaded.value);
      expect(await tasks.load(id)).toStrictEqual(loaded);
    }
    expect(await Array.fromAsync(verifyTasks(store))).toEqual([]);
  });

  it("job manifests are read with everything in them, and gone on with", async () => {
    await using store = memoryStore();
    const jobs = jobStore(store, { clock: () => 0n });
    const mine = golden("job-manifest-v1.json");
    const other = golden("job-manifest-elsewhere.json");
    await store.documents.put(`jobs/${JOB}/job_manifest`, mine);
    await store.documents.put("jobs/notes.7/job_manifest", other);
    expect(await jobs.load(JOB)).toEqual(mine);
    expect(await jobs.load("notes.7")).toEqual({ schema: "holdfast/job-manifest/v1", revision: 1, ...other });
    await jobs.rebuildIndex();
    expect((await Array.fromAsync(verifyJobs(store))).map(({ kind }) => kind)).toEqual(["interrupted"]);
    const recovered = await jobs.recover("notes.7");
    expect(recovered).toMatchObject({ status: "REVIEW_REQUIRED", revision: 2, owner: "kim" });
    const moved = await jobs.transition(JOB, "start", { by: "reviewer", cost: 0.2 });
    expect(moved).toMatchObject({
      status: "REVIEWING",
      revision: 7,
      metrics: { cumulative_cost: 0.3, cumulative_time_seconds: 60 },
    });
    expect(moved.history.slice(0, -1)).toEqual(mine["history"]);
  });
});
