import { memoryStore } from "@holdfast/storage";
import { describe, expect, it } from "vitest";
import { bytesOf, placed, walk, withFiles } from "../test/jobs.ts";
import {
  currentStateAndRole,
  type JobAction,
  JobStateError,
  type JobStatus,
  jobStatusSchema,
  jobStore,
  nextPhase,
  verifyJob,
} from "./index.ts";

describe("advance()", () => {
  const phases = ["plan", "build", "test", "review"].map((name) => ({ name, active_agent: `${name}er` }));

  it("goes through the worker's phases while the job is running, and COMPLETED goes on to the supervisor's", async () => {
    await using store = memoryStore();
    const jobs = jobStore(store);
    await jobs.create({ job_id: "j", description: "d", phases });
    await expect(jobs.advance("j")).rejects.toMatchObject({ code: "JOB_STATE", action: "advance" });
    await jobs.transition("j", "activate");
    let job = await jobs.transition("j", "start");
    const seen = [job.current_phase];
    while (nextPhase(job) !== undefined) {
      job = await jobs.advance(job, { by: "x", cost: 0.25 });
      seen.push(job.current_phase);
    }
    expect(seen).toEqual(["plan", "build", "test"]);
    await expect(jobs.advance(job)).rejects.toBeInstanceOf(JobStateError);
    job = await jobs.transition(job, "COMPLETED");
    expect([job.current_phase, job.metrics.cumulative_cost]).toEqual(["review", 0.5]);
    expect(nextPhase(job)).toBeUndefined();
    expect(verifyJob(job)).toEqual([]);
    job = await jobs.transition(job, "start");
    job = await jobs.transition(job, "STUCK");
    expect((await jobs.transition(job, "resubmit")).current_phase).toBe("plan");
  });

  it("stays in the phase that was interrupted or is tried again", async () => {
    await using store = memoryStore();
    const jobs = jobStore(store);
    await jobs.create({ job_id: "j", description: "d", phases });
    await jobs.transition("j", "activate");
    await jobs.transition("j", "start");
    await jobs.advance("j");
    expect((await jobs.recover("j")).current_phase).toBe("build");
    await jobs.transition("j", "start");
    expect((await jobs.transition("j", "RETRY")).current_phase).toBe("build");
  });

  it("a job with one phase has it done and reviewed by the same agent", async () => {
    await using store = memoryStore();
    const jobs = jobStore(store);
    await jobs.create({ job_id: "j", description: "d", phases: [{ name: "all", active_agent: "me" }] });
    await jobs.transition("j", "activate");
    await jobs.transition("j", "start");
    const job = await jobs.transition("j", "COMPLETED");
    expect(currentStateAndRole(job)).toMatchObject({ role: "supervisor", agent: "me", phase: "all" });
  });
});

describe("takeBack()", () => {
  it("puts the job where it stood before the step, and keeps the step's entries, marked, and its cost", async () => {
    await using store = memoryStore();
    const jobs = jobStore(store);
    const steps: readonly (readonly [readonly JobAction[], JobStatus, string])[] = [
      [["activate", "start", "COMPLETED"], "PENDING", "work"],
      [["activate", "start", "STUCK"], "PENDING", "work"],
      [["activate", "start", "RETRY"], "PENDING", "work"],
      [["activate", "start", "pause", "resume", "COMPLETED"], "PENDING", "work"],
      [["activate", "start", "COMPLETED", "start", "COMPLETED"], "REVIEW_REQUIRED", "review"],
      [["activate", "start", "COMPLETED", "start", "RETRY"], "REVIEW_REQUIRED", "review"],
    ];
    for (const [index, [actions, status, phase]] of steps.entries()) {
      const before = await walk(store, actions, `t-${index}`);
      const job = await jobs.takeBack(before, { by: "kim" });
      expect([job.status, job.current_phase]).toEqual([status, phase]);
      const begin = actions.lastIndexOf("start") + 1;
      expect(job.history.map((entry) => entry.taken_back)).toEqual([
        ...before.history.map((_, at) => (at >= begin ? true : undefined)),
        undefined,
      ]);
      expect(job.history.at(-1)).toMatchObject({ action: "restep", agent: "kim", from: before.status });
      expect(verifyJob(job)).toEqual([]);
      await expect(jobs.takeBack(job)).rejects.toMatchObject({ code: "JOB_STATE", action: "restep" });
    }
  });

  it("is refused once something else happened", async () => {
    await using store = memoryStore();
    const jobs = jobStore(store);
    const walks: readonly (readonly JobAction[])[] = [
      [],
      ["activate"],
      ["activate", "start"],
      ["activate", "start", "STUCK", "resubmit"],
      ["activate", "start", "COMPLETED", "start", "COMPLETED", "approve"],
      ["activate", "start", "COMPLETED", "suspend"],
    ];
    for (const [index, actions] of walks.entries()) {
      const job = await walk(store, actions, `n-${index}`);
      await expect(jobs.takeBack(job)).rejects.toMatchObject({ code: "JOB_STATE", action: "restep" });
      expect(await jobs.load(job.job_id)).toEqual(job);
    }
  });
});

describe("recover()", () => {
  it("makes a job without a holder ready again, with an entry", async () => {
    await using store = memoryStore();
    const jobs = jobStore(store);
    for (const [actions, status] of [
      [["activate", "start"], "PENDING"],
      [["activate", "start", "COMPLETED", "start"], "REVIEW_REQUIRED"],
    ] as const) {
      const before = await walk(store, actions, status);
      const job = await jobs.recover(before);
      expect([job.status, job.revision, job.current_phase]).toEqual([
        status,
        before.revision + 1,
        before.current_phase,
      ]);
      expect(job.history.at(-1)).toMatchObject({ action: "recover", from: before.status, status });
      expect(verifyJob(job)).toEqual([]);
      expect(await jobs.holder(job.job_id)).toBeUndefined();
    }
  });

  it("leaves every other state as it is, to the byte", async () => {
    await withFiles(async (store, root) => {
      for (const status of jobStatusSchema.options) {
        if (status === "RUNNING" || status === "REVIEWING") continue;
        const id = await placed(store, status);
        const before = bytesOf(root, id);
        expect((await jobStore(store).recover(id)).status).toBe(status);
        expect(bytesOf(root, id)).toBe(before);
      }
    });
  });

  it("leaves a job alone whose holder lives, and is for the holder itself to do", async () => {
    await using store = memoryStore();
    const jobs = jobStore(store);
    const job = await walk(store, ["activate", "start"]);
    const claim = await jobs.claim("j");
    expect(await jobs.recover("j")).toEqual(job);
    expect((await jobs.recover("j", { fence: claim })).status).toBe("PENDING");
    await jobs.transition("j", "start", { fence: claim });
    expect(await jobs.release(claim)).toBe(true);
    await expect(jobs.recover("j", { fence: claim })).rejects.toMatchObject({ code: "STORE_FENCED" });
    expect((await jobs.recover("j")).status).toBe("PENDING");
  });

  it("asks for a person at the third time in a row, and counts anew once somebody did something", async () => {
    await using store = memoryStore();
    const jobs = jobStore(store);
    await walk(store, ["activate"]);
    const interrupted = async (): Promise<JobStatus> => {
      await jobs.transition("j", "start");
      return (await jobs.recover("j")).status;
    };
    expect([await interrupted(), await interrupted()]).toEqual(["PENDING", "PENDING"]);
    // An answer in between.
    await jobs.transition("j", "start");
    await jobs.transition("j", "RETRY");
    expect([await interrupted(), await interrupted()]).toEqual(["PENDING", "PENDING"]);
    expect(await interrupted()).toBe("INTERVENTION_REQUIRED");
    await jobs.transition("j", "resubmit");
    expect(await interrupted()).toBe("PENDING");
    const job = await jobs.load("j");
    expect(job === undefined ? ["none"] : verifyJob(job)).toEqual([]);
  });

  it("counts recoveries of the worker and of the supervisor alike", async () => {
    await using store = memoryStore();
    const jobs = jobStore(store);
    await walk(store, ["activate", "start", "COMPLETED"]);
    for (const status of ["REVIEW_REQUIRED", "REVIEW_REQUIRED", "INTERVENTION_REQUIRED"]) {
      await jobs.transition("j", "start");
      expect((await jobs.recover("j")).status).toBe(status);
    }
  });
});
