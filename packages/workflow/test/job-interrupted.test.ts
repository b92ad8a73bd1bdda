import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "@holdfast/ledger";
import { memoryStore } from "@holdfast/storage";
import { crashingStore, PowerOff } from "@holdfast/storage/conformance";
import { listReceipts } from "@holdfast/task-store";
import { describe, it } from "vitest";
import { describeRun, type JobRunResult, type JobSteering, resumeWorkflow } from "../src/index.ts";
import { JOB, type JobAnswer, JobWorld } from "./job-world.ts";

const USUAL: Readonly<Record<string, JobAnswer>> = {
  implement: { payload: { cost: 0.2, summary: "made a" } },
  review: { payload: { cost: 0.01 }, status: "approved" },
};
const usual = ({ action }: Command): JobAnswer => USUAL[action] ?? {};

/** An agent that does not answer its first command until it is told to stop. */
function slow(action: string): { readonly answer: JobWorld["answer"]; readonly reached: Promise<void> } {
  const { promise: reached, resolve: reach } = Promise.withResolvers<void>();
  let held = false;
  return {
    reached,
    answer: async (command, signal) => {
      if (command.action !== action || held) return usual(command);
      held = true;
      reach();
      await new Promise((resolve) => signal?.addEventListener("abort", resolve, { once: true }));
      return {};
    },
  };
}

const keysOf = (world: JobWorld, action: string): string[] =>
  world.sent.filter((command) => command.action === action).map((command) => command.idempotency_key);

const interrupted = async (world: JobWorld, action: string): Promise<JobRunResult> => {
  const agent = slow(action);
  world.answer = agent.answer;
  if ((await world.jobs.load(JOB)) === undefined) await world.activated();
  const stop = new AbortController();
  const running = world.run({ signal: stop.signal });
  await agent.reached;
  stop.abort("SIGINT");
  return running;
};

describe("a job whose process died", () => {
  it("at any call to the store: the next run recovers it, pays for nothing again that was answered, and counts each cost once", async () => {
    let calls = 0;
    let writes: ReadonlySet<number> = new Set();
    for (const after of [false, true]) {
      for (let at = 1; ; at += 1) {
        // A lost answer matters only to a call that changes something.
        if (after && at <= calls && !writes.has(at)) continue;
        using world = new JobWorld(usual);
        const inner = memoryStore();
        world.store = inner;
        await world.activated();
        const crash = crashingStore(inner, { at, after });
        world.store = crash.store;
        const ended = await world.run().then(
          () => true,
          (error: unknown) => {
            assert.ok(crash.isOff(), String(error));
            return false;
          },
        );
        const inTheWay = await inner.documents.get(`jobs/${JOB}/job_manifest`);
        await crash.release();
        world.store = inner;
        calls = crash.calls();
        // What the dead process did not notice (a lock, the index) leaves the job at its gate.
        const done = (await world.job()).status === "APPROVAL_REQUIRED";
        if (!done) await world.run();
        const job = await world.job();
        const about = `${after ? "after" : "before"} call ${at}: ${JSON.stringify(inTheWay)}`;
        assert.equal(job.status, "APPROVAL_REQUIRED", about);
        assert.equal(job.metrics.cumulative_cost, 0.21, about);
        const answers = job.history.filter(
          ({ action, run_id: run }) => action === "COMPLETED" && run !== undefined,
        );
        assert.equal(answers.length, 2, about);
        for (const { run_id: run = "" } of answers) {
          assert.equal((await describeRun(inner, run)).state.status, "completed", about);
          assert.equal((await listReceipts(inner, run)).length, 1, about);
        }
        // A command may be sent again while nobody knows how it ended; a second step has another key.
        for (const action of ["implement", "review"]) {
          assert.ok(new Set(keysOf(world, action)).size === 1, about);
          assert.ok(keysOf(world, action).length <= 2, about);
        }
        const recovered = job.history.filter(({ action }) => action === "recover").length;
        assert.ok(recovered <= 1, about);
        if (ended) {
          writes = crash.writes;
          break;
        }
      }
    }
    assert.ok(calls > 60, `only ${calls} calls`);
  });

  it("after its agent failed for good: the failure counts, and no attempt more is paid for", async () => {
    using world = new JobWorld(() => ({ event: "error", payload: { message: "broken", cost: 0.1 } }));
    await world.activated();
    const { documents } = world.store;
    const put = documents.put.bind(documents);
    // Gone between the end of the run and the move of the job.
    Object.assign(documents, {
      put: async (...args: Parameters<typeof put>) => {
        if (args[0].endsWith("job_manifest") && world.sent.length > 0) throw new PowerOff();
        return put(...args);
      },
    });
    await assert.rejects(world.step(), PowerOff);
    Object.assign(documents, { put });
    assert.equal((await world.job()).status, "RUNNING");
    const { outcome, cost, summary } = await world.step();
    assert.deepEqual([outcome, cost, summary], ["STUCK", 0.2, "broken"]);
    assert.equal(world.sent.length, 2);
  });

  it("that is resumed by its run alone, as any run may be: the next step takes the answer", async () => {
    using world = new JobWorld();
    const stop = new AbortController();
    world.answer = () => {
      stop.abort("SIGINT");
      return {};
    };
    await world.activated();
    await world.step({ signal: stop.signal });
    world.answer = usual;
    const runId = (await world.job()).history.find(({ action }) => action === "start")?.run_id ?? "";
    const { jobId: _jobId, by: _by, ...common } = world.common;
    assert.equal((await resumeWorkflow(runId, { store: world.store, ...common })).status, "completed");
    await world.steer("resume");
    const { outcome, run_id: answered, cost } = await world.step();
    assert.deepEqual([outcome, answered, cost], ["COMPLETED", runId, 0.2]);
    assert.equal(world.sent.length, 2);
  });

  it("with one phase for both: the supervisor does not go on with what the worker began", async () => {
    using world = new JobWorld(usual);
    await world.activated({ phases: [{ name: "all", active_agent: "builder" }] });
    await interrupted(world, "implement");
    await world.steer("suspend");
    await world.steer("resume");
    const { job } = await world.run();
    assert.equal(job.status, "APPROVAL_REQUIRED");
    assert.deepEqual(
      world.sent.map(({ action, inputs }) => [action, inputs["round"]]),
      [
        ["implement", 1],
        ["implement", 1],
        ["review", 1],
      ],
    );
  });

  it("in its second phase it is gone on with there", async () => {
    const phases = [
      { name: "design", active_agent: "architect" },
      { name: "build", active_agent: "builder" },
      { name: "check", active_agent: "reviewer" },
    ];
    using world = new JobWorld(usual);
    await world.activated({ phases });
    await world.step();
    await interrupted(world, "implement");
    assert.deepEqual((await world.story()).slice(3), ["advance->RUNNING", "pause->PAUSED"]);
    await world.steer("resume");
    const { job } = await world.run();
    assert.equal(job.status, "APPROVAL_REQUIRED");
    assert.deepEqual(
      world.sent.map(({ to }) => to.agent_type),
      ["architect", "builder", "builder", "reviewer"],
    );
    assert.equal(new Set(world.sent.map((command) => command.idempotency_key)).size, 3);
  });

  it("a store that fails once, at any write: the job is not lost, and the next run brings it to its gate", async () => {
    for (let at = 1; ; at += 1) {
      using world = new JobWorld(usual);
      await world.activated();
      const inner = world.store;
      let writes = 0;
      const failing = <T extends object>(part: T, names: readonly (keyof T)[]): T =>
        new Proxy(part, {
          get(target, name) {
            const value: unknown = Reflect.get(target, name);
            if (typeof value !== "function") return value;
            return (...args: unknown[]): unknown => {
              if (names.includes(name as keyof T)) writes += 1;
              if (names.includes(name as keyof T) && writes === at)
                return Promise.reject(new Error("disk full"));
              return Reflect.apply(value, target, args) as unknown;
            };
          },
        });
      world.store = {
        ...inner,
        capabilities: inner.capabilities,
        locate: (place) => inner.locate(place),
        close: () => Promise.resolve(),
        documents: failing(inner.documents, ["put", "delete"]),
        logs: failing(inner.logs, ["append"]),
        objects: failing(inner.objects, ["put"]),
        work: failing(inner.work, ["offer"]),
      };
      const failed = await world.run().then(
        () => false,
        () => true,
      );
      world.store = inner;
      if ((await world.job()).status !== "APPROVAL_REQUIRED") {
        assert.ok(failed, `write ${at} failed, and nobody was told`);
        await world.run();
      }
      const job = await world.job();
      assert.equal(job.status, "APPROVAL_REQUIRED", `write ${at}`);
      assert.equal(job.metrics.cumulative_cost, 0.21, `write ${at}`);
      for (const action of ["implement", "review"])
        assert.equal(new Set(keysOf(world, action)).size, 1, `write ${at}`);
      if (writes < at) {
        assert.ok(at > 30);
        return;
      }
    }
  });

  it.each(["implement", "review"])(
    "three times in a row in %s: a person is asked, and the run is still gone on with",
    async (action) => {
      using world = new JobWorld(usual);
      await world.activated();
      if (action === "review") await world.step();
      const ready = action === "review" ? "REVIEW_REQUIRED" : "PENDING";
      const crash = async (): Promise<void> => {
        const inner = world.store;
        const dying = crashingStore(inner);
        world.store = dying.store;
        // Gone between the command and its end: nothing of this process gets through any more.
        const before = world.answer;
        world.answer = () => {
          throw new PowerOff();
        };
        const put = dying.store.documents.put.bind(dying.store.documents);
        let off = false;
        Object.assign(dying.store.documents, {
          put: async (...args: Parameters<typeof put>) => {
            if (off || world.sent.length > sent) throw new PowerOff();
            return put(...args);
          },
        });
        const sent = world.sent.length;
        await assert.rejects(world.step(), PowerOff);
        off = true;
        await dying.release();
        world.store = inner;
        world.answer = before;
      };
      await crash();
      assert.equal((await world.job()).status, action === "review" ? "REVIEWING" : "RUNNING");
      await crash();
      await crash();
      const stuck = await world.run();
      assert.deepEqual([stuck.end, stuck.job.status], ["intervention", "INTERVENTION_REQUIRED"]);
      assert.deepEqual((await world.story()).slice(action === "review" ? 4 : 2), [
        `start->${action === "review" ? "REVIEWING" : "RUNNING"}`,
        `recover->${ready}`,
        `start->${action === "review" ? "REVIEWING" : "RUNNING"}`,
        `recover->${ready}`,
        `start->${action === "review" ? "REVIEWING" : "RUNNING"}`,
        "recover->INTERVENTION_REQUIRED",
      ]);
      await world.steer(action === "review" ? "review" : "resubmit");
      assert.equal((await world.run()).job.status, "APPROVAL_REQUIRED");
      assert.equal(new Set(keysOf(world, action)).size, 1, "the same work has the same key");
    },
  );
});

describe("a step that is stopped by its signal", () => {
  it("in RUNNING leaves the job PAUSED; resume and run go on with the same run, and it is no recovery", async () => {
    using world = new JobWorld();
    const { job, end } = await interrupted(world, "implement");
    assert.deepEqual([end, job.status], ["interrupted", "PAUSED"]);
    await assert.rejects(world.step(), { code: "JOB_STATE", action: "start", state: "PAUSED" });
    assert.equal((await world.steer("resume")).status, "RUNNING");
    assert.equal((await world.run()).job.status, "APPROVAL_REQUIRED");
    assert.deepEqual((await world.story()).slice(2, 6), [
      "start->RUNNING",
      "pause->PAUSED",
      "resume->RUNNING",
      "COMPLETED->REVIEW_REQUIRED",
    ]);
    assert.equal(keysOf(world, "implement").length, 2);
    assert.equal(new Set(keysOf(world, "implement")).size, 1);
    assert.equal((await world.job()).metrics.cumulative_cost, 0.21);
  });

  it("in REVIEWING leaves it to be reviewed again, by the same run", async () => {
    using world = new JobWorld();
    const { job, end } = await interrupted(world, "review");
    assert.deepEqual([end, job.status], ["interrupted", "REVIEW_REQUIRED"]);
    assert.equal((await world.run()).job.status, "APPROVAL_REQUIRED");
    assert.equal(new Set(keysOf(world, "review")).size, 1);
    assert.equal((await world.job()).metrics.cumulative_cost, 0.21);
  });

  it("after a resume that was interrupted again by death it is recovered", async () => {
    using world = new JobWorld();
    await interrupted(world, "implement");
    await world.steer("resume");
    const { store } = world;
    await world.jobs.update(JOB, {
      under_way: {
        run_id: (await world.job()).history.at(-2)?.run_id,
        entries: (await world.job()).history.length,
      },
    });
    world.store = store;
    await world.run();
    assert.deepEqual((await world.story()).slice(4, 8), [
      "resume->RUNNING",
      "recover->PENDING",
      "start->RUNNING",
      "COMPLETED->REVIEW_REQUIRED",
    ]);
    assert.equal(new Set(keysOf(world, "implement")).size, 1);
  });

  it("a suspended step is gone on with after its resume", async () => {
    const agent = slow("implement");
    using world = new JobWorld(agent.answer);
    await world.activated();
    const running = world.run();
    await agent.reached;
    await world.steer("suspend");
    assert.equal((await running).end, "requested");
    assert.equal((await world.steer("resume")).status, "PENDING");
    await world.run();
    assert.equal(new Set(keysOf(world, "implement")).size, 1);
  });
});

/** The run goes on; it is awaited in an object, so that this waits for its agent alone. */
const working = async (
  world: JobWorld,
  action: string,
): Promise<{ readonly ended: Promise<JobRunResult> }> => {
  const agent = slow(action);
  world.answer = agent.answer;
  await world.activated();
  const running = world.run();
  await agent.reached;
  return { ended: running };
};

describe("a job that another process works on", () => {
  it.each<[string, JobSteering, string]>([
    ["implement", "pause", "PAUSED"],
    ["implement", "suspend", "SUSPENDED"],
    ["implement", "cancel", "CANCELED"],
    ["review", "suspend", "SUSPENDED"],
    ["review", "cancel", "CANCELED"],
  ])("in %s: %s is asked of it, and it alone writes the manifest", async (at, action, status) => {
    using world = new JobWorld();
    const { ended } = await working(world, at);
    const job = await world.steer(action, { by: "bob", summary: "enough" });
    assert.equal(job.status, status);
    assert.deepEqual([job.history.at(-1)?.agent, job.history.at(-1)?.summary], ["bob", "enough"]);
    const result = await ended;
    assert.deepEqual([result.end, result.job.status], ["requested", status]);
    assert.equal(await world.jobs.holder(JOB), undefined);
    assert.equal(await world.store.documents.get(`jobs/${JOB}/request`), undefined);
  });

  it("everything else is refused: by the table first, then by who holds it; nothing is written", async () => {
    using world = new JobWorld();
    const { ended } = await working(world, "implement");
    const before = await world.stored();
    for (const action of ["approve", "resume", "activate", "rerun", "terminate"] as const) {
      await assert.rejects(world.steer(action), { code: "JOB_STATE", action, state: "RUNNING" });
    }
    await assert.rejects(world.step(), { code: "JOB_HELD" });
    await assert.rejects(world.restep(), { code: "JOB_HELD" });
    assert.equal(await world.stored(), before);
    await world.steer("cancel");
    await ended;
  });

  it("a review knows no pause", async () => {
    using world = new JobWorld();
    const { ended } = await working(world, "review");
    const before = await world.stored();
    await assert.rejects(world.steer("pause"), { code: "JOB_STATE", state: "REVIEWING" });
    assert.equal(await world.stored(), before);
    await world.steer("cancel");
    await ended;
  });

  it("that does not stop in time keeps it, and the wish is taken back", async () => {
    using world = new JobWorld();
    const { ended } = await working(world, "implement");
    // A process that was suspended: it holds the job and sees nothing.
    const claimed = (await world.jobs.holder(JOB))?.token;
    const { documents } = world.store;
    const get = documents.get.bind(documents);
    let blind = true;
    Object.assign(documents, {
      get: async (key: string) => (blind && key.endsWith("/request") ? undefined : get(key)),
    });
    await assert.rejects(world.steer("cancel", { waitMs: 300 }), { code: "JOB_HELD" });
    blind = false;
    assert.equal(await world.store.documents.get(`jobs/${JOB}/request`), undefined);
    assert.equal((await world.jobs.holder(JOB))?.token, claimed);
    assert.equal((await world.job()).status, "RUNNING");
    await world.steer("cancel");
    await ended;
  });

  it("takes no notice of a wish that was left for another", async () => {
    using world = new JobWorld();
    const { ended } = await working(world, "implement");
    const token = (await world.jobs.holder(JOB))?.token ?? 0;
    await world.store.documents.put(`jobs/${JOB}/request`, {
      schema: "holdfast/job-request/v1",
      action: "cancel",
      token: token + 1,
      requested_at: "2026-01-02T03:04:05.000000Z",
    });
    await sleep(400);
    assert.equal((await world.job()).status, "RUNNING");
    await world.steer("cancel");
    await ended;
  });
});
