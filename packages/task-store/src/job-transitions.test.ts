import assert from "node:assert/strict";
import { memoryStore } from "@holdfast/storage";
import { describe, expect, it } from "vitest";
import { bytesOf, placed, ticking, walk, withFiles } from "../test/jobs.ts";
import {
  currentStateAndRole,
  type JobAction,
  JobStateError,
  jobActionSchema,
  jobStatusSchema,
  jobStore,
  verifyJob,
} from "./index.ts";

/** The table of the format, written down once more. */
const TABLE = `
DRAFT activate PENDING
PENDING start RUNNING
RUNNING COMPLETED REVIEW_REQUIRED
RUNNING STUCK INTERVENTION_REQUIRED
RUNNING RETRY PENDING
RUNNING pause PAUSED
PAUSED resume RUNNING
REVIEW_REQUIRED start REVIEWING
REVIEWING COMPLETED APPROVAL_REQUIRED
REVIEWING STUCK INTERVENTION_REQUIRED
REVIEWING RETRY REVIEW_REQUIRED
APPROVAL_REQUIRED approve SUCCESS
APPROVAL_REQUIRED reject PENDING
INTERVENTION_REQUIRED resubmit PENDING
INTERVENTION_REQUIRED review REVIEW_REQUIRED
INTERVENTION_REQUIRED terminate CANCELED
SUSPENDED resume PENDING
SUCCESS rerun PENDING
CANCELED rerun PENDING
INTERVENTION_REQUIRED rerun PENDING
`;
const ALWAYS = { suspend: "SUSPENDED", cancel: "CANCELED" } as const;
const MOVES = new Map(
  TABLE.trim()
    .split("\n")
    .map((line) => {
      const [from, action, to = ""] = line.split(" ");
      return [`${from} ${action}`, to];
    }),
);
for (const status of jobStatusSchema.options) {
  if (status === "SUCCESS" || status === "CANCELED") continue;
  for (const [action, to] of Object.entries(ALWAYS)) MOVES.set(`${status} ${action}`, to);
}

async function refusal(attempt: Promise<unknown>): Promise<JobStateError> {
  const error = await attempt.catch((thrown: unknown) => thrown);
  assert.ok(error instanceof JobStateError);
  return error;
}

describe("transition()", () => {
  it("moves along the table, and refuses every other pair of state and action with the manifest unchanged to the byte", async () => {
    await withFiles(async (store, root) => {
      const jobs = jobStore(store);
      let moves = 0;
      for (const status of jobStatusSchema.options) {
        const expected = [...MOVES.keys()]
          .filter((key) => key.startsWith(`${status} `))
          .map((key) => key.slice(status.length + 1));
        for (const action of jobActionSchema.options) {
          const id = await placed(store, status);
          const before = bytesOf(root, id);
          const to = MOVES.get(`${status} ${action}`);
          if (to === undefined) {
            const error = await refusal(jobs.transition(id, action));
            assert.deepEqual([error.code, error.state, error.action], ["JOB_STATE", status, action]);
            assert.deepEqual(error.allowed.toSorted(), expected.toSorted());
            for (const word of [status, action, ...expected]) assert.ok(error.message.includes(word));
            assert.equal(bytesOf(root, id), before);
          } else {
            const job = await jobs.transition(id, action, { by: "me", summary: "because" });
            moves += 1;
            assert.deepEqual([job.status, job.revision, job.history.length], [to, 8, 2]);
            const { from, status: there, agent } = job.history[1] ?? {};
            assert.deepEqual([from, there, agent, job.history[1]?.action], [status, to, "me", action]);
            assert.deepEqual(await jobs.load(id), job);
            assert.deepEqual(verifyJob(job), []);
          }
        }
      }
      expect(moves).toBe(MOVES.size);
      expect(moves).toBe(38);
    });
  });

  it("refuses what is no action at all", async () => {
    await withFiles(async (store, root) => {
      const id = await placed(store, "PENDING");
      const before = bytesOf(root, id);
      for (const action of ["constructor", "__proto__", "toString", "", "Start", "completed", "advance"]) {
        // @ts-expect-error: what a caller without types may pass
        const refused = jobStore(store).transition(id, action);
        await expect(refused).rejects.toMatchObject({ code: "JOB_STATE", state: "PENDING", action });
      }
      expect(bytesOf(root, id)).toBe(before);
    });
  });

  it("writes down when, by whom, what it cost and how long it took, and adds that up", async () => {
    await using store = memoryStore();
    const jobs = jobStore(store, { clock: ticking() });
    await jobs.create({ job_id: "j", description: "d", ticket: "T-1" }, { by: "kim" });
    await jobs.transition("j", "activate", { by: "kim" });
    await jobs.transition("j", "start", { by: "builder", runId: "run-1" });
    const artifact = { path: "a.txt", sha256: `sha256:${"0".repeat(64)}`, size: 3 };
    const options = { by: "builder", summary: "done", cost: 0.1, timeSeconds: 1.5, evidence: [artifact] };
    await jobs.transition("j", "COMPLETED", { ...options, runId: "run-1" });
    await jobs.transition("j", "start");
    const job = await jobs.transition("j", "RETRY", { cost: 0.2, timeSeconds: 0 });
    expect(job.metrics).toEqual({ cumulative_cost: 0.3, cumulative_time_seconds: 1.5 });
    expect(job["ticket"]).toBe("T-1");
    expect(job.revision).toBe(6);
    expect(job.history).toEqual([
      { timestamp: "2026-01-02T03:04:05.123456Z", phase: "work", status: "DRAFT", agent: "kim" },
      {
        timestamp: "2026-01-02T03:04:06.123456Z",
        phase: "work",
        from: "DRAFT",
        action: "activate",
        status: "PENDING",
        agent: "kim",
      },
      {
        timestamp: "2026-01-02T03:04:07.123456Z",
        phase: "work",
        from: "PENDING",
        action: "start",
        status: "RUNNING",
        agent: "builder",
        run_id: "run-1",
      },
      {
        timestamp: "2026-01-02T03:04:08.123456Z",
        phase: "work",
        from: "RUNNING",
        action: "COMPLETED",
        status: "REVIEW_REQUIRED",
        agent: "builder",
        summary: "done",
        cost: 0.1,
        time_seconds: 1.5,
        run_id: "run-1",
        evidence: [artifact],
      },
      {
        timestamp: "2026-01-02T03:04:09.123456Z",
        phase: "review",
        from: "REVIEW_REQUIRED",
        action: "start",
        status: "REVIEWING",
      },
      {
        timestamp: "2026-01-02T03:04:10.123456Z",
        phase: "review",
        from: "REVIEWING",
        action: "RETRY",
        status: "REVIEW_REQUIRED",
        cost: 0.2,
        time_seconds: 0,
      },
    ]);
    expect(verifyJob(job)).toEqual([]);
  });

  it("refuses a cost or a time that is none, and writes nothing", async () => {
    await withFiles(async (store, root) => {
      const job = await walk(store, ["activate", "start"]);
      const before = bytesOf(root, "j");
      for (const amount of [-1, Number.NaN, Number.POSITIVE_INFINITY, -Number.MIN_VALUE]) {
        for (const options of [{ cost: amount }, { timeSeconds: amount }]) {
          const refused = jobStore(store).transition(job, "COMPLETED", options);
          await expect(refused).rejects.toMatchObject({ code: "JOB_INVALID" });
        }
      }
      await jobStore(store).transition(job, "RETRY", { cost: Number.MAX_VALUE });
      await jobStore(store).transition(job, "start");
      const tooMuch = jobStore(store).transition(job, "RETRY", { cost: Number.MAX_VALUE });
      await expect(tooMuch).rejects.toMatchObject({ code: "JOB_INVALID" });
      expect(bytesOf(root, "j")).not.toBe(before);
      expect((await jobStore(store).load("j"))?.status).toBe("RUNNING");
    });
  });

  it("says whose turn it is, and in which attempt", async () => {
    await using store = memoryStore();
    const turn = async (id: string, ...actions: JobAction[]) => {
      const { role, agent, phase, attempt } = currentStateAndRole(await walk(store, actions, id));
      return [role, agent, phase, attempt];
    };
    expect(await turn("a")).toEqual(["person", undefined, "work", 1]);
    expect(await turn("b", "activate")).toEqual(["worker", "worker", "work", 1]);
    expect(await turn("c", "activate", "start", "COMPLETED")).toEqual([
      "supervisor",
      "supervisor",
      "review",
      1,
    ]);
    const approved = ["activate", "start", "COMPLETED", "start", "COMPLETED", "approve"] as const;
    expect(await turn("d", ...approved)).toEqual([undefined, undefined, "review", 1]);
    expect(await turn("e", ...approved, "rerun")).toEqual(["worker", "worker", "work", 2]);
    expect(await turn("f", ...approved, "rerun", "cancel", "rerun")).toEqual(["worker", "worker", "work", 3]);
  });

  it("keeps the phase where it belongs to whose turn it is", async () => {
    await using store = memoryStore();
    const phase = async (...actions: JobAction[]) =>
      (await walk(store, actions, `j-${actions.join("-")}`)).current_phase;
    const reviewing = ["activate", "start", "COMPLETED", "start"] as const;
    expect(await phase(...reviewing, "RETRY")).toBe("review");
    expect(await phase(...reviewing, "STUCK")).toBe("review");
    expect(await phase(...reviewing, "STUCK", "review")).toBe("review");
    expect(await phase(...reviewing, "STUCK", "resubmit")).toBe("work");
    expect(await phase(...reviewing, "COMPLETED", "reject")).toBe("work");
    expect(await phase(...reviewing, "suspend")).toBe("review");
    expect(await phase(...reviewing, "suspend", "resume")).toBe("work");
    expect(await phase("activate", "start", "STUCK", "review")).toBe("review");
  });

  it("given a revision, is refused when another stands", async () => {
    await using store = memoryStore();
    const job = await walk(store, ["activate"]);
    const jobs = jobStore(store);
    await jobs.transition(job, "start", { expected: 2 });
    const late = jobs.transition(job, "cancel", { expected: 2 });
    await expect(late).rejects.toMatchObject({ code: "JOB_CONFLICT" });
    expect((await jobs.load("j"))?.status).toBe("RUNNING");
  });
});
