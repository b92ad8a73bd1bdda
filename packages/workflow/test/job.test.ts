import assert from "node:assert/strict";
import { rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { allowedActions, JOB_TRANSITIONS, type JobStatus, listReceipts } from "@holdfast/task-store";
import { describe, it } from "vitest";
import { configureJob, describeRun, loadAgentsConfig } from "../src/index.ts";
import { JOB, type JobAnswer, JobWorld } from "./job-world.ts";

const completed = (payload: Record<string, unknown> = {}): JobAnswer => ({ payload });

describe("runJob() and stepJob()", () => {
  it("take a job from PENDING to SUCCESS, and tell the agents why they are asked again", async () => {
    const said: Record<string, JobAnswer[]> = {
      implement: [
        completed({ outcome: "RETRY", summary: "not yet", cost: 0.1 }),
        completed({ summary: "made a", cost: 0.2, evidence: ["src/a.txt"] }),
        completed({ summary: "made it longer", cost: 0.25 }),
      ],
      review: [
        { status: "changes_requested", payload: { summary: "too short", cost: 0.01 } },
        { status: "approved", payload: { cost: 0.02 } },
      ],
    };
    using world = new JobWorld((command) => {
      writeFileSync(join(world.workspace, "src", "a.txt"), "a\n");
      return said[command.action]?.shift() ?? {};
    });
    await world.activated();
    const first = await world.run();
    assert.equal(first.end, "answered");
    assert.equal(first.job.status, "APPROVAL_REQUIRED");
    assert.deepEqual(
      first.steps.map(({ outcome, cost, summary }) => [outcome, cost, summary]),
      [
        ["RETRY", 0.1, "not yet"],
        ["COMPLETED", 0.2, "made a"],
        ["COMPLETED", 0.01, "changes requested: too short"],
      ],
    );
    await world.steer("reject", { summary: "make it longer" });
    const second = await world.run();
    await world.steer("approve");
    const job = await world.job();
    assert.equal(job.status, "SUCCESS");
    assert.equal(job.metrics.cumulative_cost, 0.58);
    const times = [...first.steps, ...second.steps].reduce((sum, step) => sum + step.time_seconds, 0);
    assert.ok(Math.abs(job.metrics.cumulative_time_seconds - times) < 1e-6 && times > 0);

    assert.deepEqual(
      world.sent.map(({ action, inputs }) => [action, inputs["round"], inputs["goal"]]),
      [
        ["implement", 1, "make a"],
        ["implement", 2, "make a"],
        ["review", 1, "make a"],
        ["implement", 3, "make a"],
        ["review", 2, "make a"],
      ],
    );
    assert.deepEqual(world.sent[0]?.inputs["job"], {
      job_id: JOB,
      phase: "work",
      role: "worker",
      attempt: 1,
    });
    assert.equal(world.sent[0]?.inputs["feedback"], undefined);
    assert.deepEqual(world.sent[1]?.inputs["feedback"], [
      { action: "RETRY", phase: "work", agent: "builder", summary: "not yet" },
    ]);
    assert.deepEqual(world.sent[2]?.inputs["feedback"], [
      { action: "RETRY", phase: "work", agent: "builder", summary: "not yet" },
      { action: "COMPLETED", phase: "work", agent: "builder", summary: "made a" },
    ]);
    assert.deepEqual(world.sent[3]?.inputs["feedback"], [
      { action: "COMPLETED", phase: "work", agent: "builder", summary: "made a" },
      { action: "COMPLETED", phase: "review", agent: "reviewer", summary: "changes requested: too short" },
      { action: "reject", phase: "review", agent: "ann", summary: "make it longer" },
    ]);
    assert.equal(new Set(world.sent.map((command) => command.idempotency_key)).size, 5);

    const evidence = job.history.find((entry) => entry.evidence !== undefined)?.evidence;
    assert.deepEqual(
      evidence?.map(({ path, size }) => [path, size]),
      [["src/a.txt", 2]],
    );
    for (const { run_id: runId } of job.history.filter((entry) => entry.action === "start")) {
      assert.ok(runId !== undefined);
      assert.equal((await describeRun(world.store, runId)).state.status, "completed");
      assert.equal((await listReceipts(world.store, runId)).length, 1);
    }
  });

  it.each<[string, JobAnswer, string, RegExp | undefined]>([
    ["an end of the step alone", {}, "COMPLETED", undefined],
    ["step.completed", { event: "step.completed" }, "COMPLETED", undefined],
    ["an outcome", completed({ outcome: "STUCK", summary: "no key" }), "STUCK", /^no key$/],
    ["a status of the payload", completed({ status: "RETRY" }), "RETRY", undefined],
    ["a status of the event", { status: "STUCK" }, "STUCK", undefined],
    ["a status that is another word", completed({ status: "ok" }), "COMPLETED", undefined],
    ["an end that failed", { status: "failed" }, "STUCK", undefined],
    ["an unknown outcome", completed({ outcome: "DONE", summary: "s" }), "STUCK", /"DONE".*it said: s$/],
    ["an outcome that is no text", completed({ outcome: 1 }), "STUCK", /is 1, not/],
    ["evidence that is not there", completed({ evidence: ["src/b.txt"] }), "STUCK", /"src\/b.txt".*no such/],
    ["evidence outside", completed({ evidence: ["../flow.yaml"] }), "STUCK", /not a path below/],
    ["evidence by a link", completed({ evidence: ["src/link/flow.yaml"] }), "STUCK", /not a path below/],
    ["evidence that is a folder", completed({ evidence: ["src"] }), "STUCK", /not a regular file/],
    ["evidence that is no list", completed({ evidence: "src/a" }), "STUCK", /not a list/],
    ["an error", { event: "error", payload: { message: "broken" } }, "STUCK", /broken/],
    [
      "an error that asks for another try",
      { event: "error", payload: { outcome: "RETRY", summary: "busy" } },
      "RETRY",
      /^busy$/,
    ],
    ["a negative cost", completed({ cost: -1 }), "COMPLETED", undefined],
    ["a very long summary", completed({ summary: "x".repeat(5_000) }), "COMPLETED", /^x{4000}$/],
  ])("an answer of %s", async (_name, answer, outcome, summary) => {
    using world = new JobWorld(() => answer);
    symlinkSync(world.folder, join(world.workspace, "src", "link"));
    await world.activated();
    const step = await world.step();
    assert.equal(step.outcome, outcome, JSON.stringify(step));
    if (summary !== undefined) assert.match(step.summary ?? "", summary);
    assert.equal(step.job.metrics.cumulative_cost, 0);
    assert.equal(world.sent.length, answer.event === "error" ? 2 : 1);
  });

  it("attempts that failed are paid for too, and a step that none of them ended is STUCK", async () => {
    using world = new JobWorld(() => ({ event: "error", payload: { cost: 0.1, message: "broken" } }));
    await world.activated();
    const { job, outcome, cost } = await world.step();
    assert.deepEqual([outcome, cost, job.status], ["STUCK", 0.2, "INTERVENTION_REQUIRED"]);
    // The run failed for good: what comes next is a new one.
    await world.steer("resubmit", { summary: "key is set now" });
    world.answer = () => ({});
    await world.step();
    const runs = new Set((await world.job()).history.flatMap((entry) => entry.run_id ?? []));
    assert.equal(runs.size, 2);
    assert.deepEqual(world.sent.at(-1)?.inputs["feedback"], [
      {
        action: "STUCK",
        phase: "work",
        agent: "builder",
        summary: "broken",
      },
      { action: "resubmit", phase: "work", agent: "ann", summary: "key is set now" },
    ]);
  });

  it("an agent that only asks for another try is stuck after policy.max_rounds; a person starts the count anew", async () => {
    using world = new JobWorld(() => completed({ outcome: "RETRY", summary: "busy" }));
    await world.activated();
    const { job, steps } = await world.run();
    assert.equal(job.status, "INTERVENTION_REQUIRED");
    assert.deepEqual(
      steps.map(({ outcome }) => outcome),
      ["RETRY", "RETRY", "RETRY", "STUCK"],
    );
    assert.match(steps[3]?.summary ?? "", /4 times in a row.*busy/);
    await world.steer("resubmit");
    assert.equal((await world.step()).outcome, "RETRY");
  });

  it("goes through the phases of the worker, each by its own agent, then to the supervisor", async () => {
    using world = new JobWorld((command) => completed({ summary: `did ${command.to.agent_type}` }));
    const phases = [
      { name: "design", active_agent: "architect" },
      { name: "build", active_agent: "builder" },
      { name: "check", active_agent: "reviewer" },
    ];
    await world.activated({ phases });
    const one = await world.step();
    assert.deepEqual([one.job.status, one.job.current_phase], ["RUNNING", "build"]);
    // Not interrupted: it has not begun its second phase.
    await world.run();
    assert.deepEqual(await world.story(), [
      "created->DRAFT",
      "activate->PENDING",
      "start->RUNNING",
      "advance->RUNNING",
      "COMPLETED->REVIEW_REQUIRED",
      "start->REVIEWING",
      "COMPLETED->APPROVAL_REQUIRED",
    ]);
    assert.deepEqual(
      world.sent.map(({ to, inputs }) => [to.agent_type, inputs["round"]]),
      [
        ["architect", 1],
        ["builder", 1],
        ["reviewer", 1],
      ],
    );
    assert.equal(new Set((await world.job()).history.flatMap((entry) => entry.run_id ?? [])).size, 3);
  });

  it("restepJob() marks the last step and makes it anew, under another key", async () => {
    using world = new JobWorld(() => completed({ cost: 1 }));
    await world.activated();
    await world.step();
    const again = await world.restep({ summary: "the wrong file" });
    assert.equal(again.job.status, "REVIEW_REQUIRED");
    assert.deepEqual(
      again.job.history.map(({ action, taken_back: back }) => [action ?? "", back ?? false]),
      [
        ["", false],
        ["activate", false],
        ["start", true],
        ["COMPLETED", true],
        ["restep", false],
        ["start", false],
        ["COMPLETED", false],
      ],
    );
    assert.equal(again.job.metrics.cumulative_cost, 2);
    assert.equal(new Set(world.sent.map((command) => command.idempotency_key)).size, 2);
    assert.deepEqual(world.sent[1]?.inputs["feedback"], [
      { action: "restep", phase: "review", agent: "ann", summary: "the wrong file" },
    ]);
    await world.steer("suspend");
    const before = await world.stored();
    await assert.rejects(world.restep(), { code: "JOB_STATE", action: "restep" });
    assert.equal(await world.stored(), before);
  });

  it("rerun begins a new attempt with the history kept, and its agents are told", async () => {
    using world = new JobWorld();
    await world.activated();
    await world.run();
    await world.steer("approve");
    await world.steer("rerun", { summary: "for the next release" });
    await world.step();
    const command = world.sent.at(-1);
    assert.deepEqual(command?.inputs["job"], { job_id: JOB, phase: "work", role: "worker", attempt: 2 });
    assert.equal(command?.inputs["round"], 2);
  });
});

/** A step that is stopped while its agent works. */
const stopped = async (world: JobWorld, given: Parameters<JobWorld["step"]>[0]): Promise<void> => {
  const stop = new AbortController();
  const { answer } = world;
  world.answer = () => {
    stop.abort("SIGINT");
    return {};
  };
  const { end } = await world.step({ ...given, signal: stop.signal });
  assert.equal(end, "interrupted");
  world.answer = answer;
};

const refused = async (
  world: JobWorld,
  expected: Record<string, unknown>,
  given: Parameters<JobWorld["step"]>[0] = {},
): Promise<void> => {
  const before = await world.stored();
  await assert.rejects(world.step(given), expected);
  assert.equal(await world.stored(), before);
  assert.equal(await world.jobs.holder(JOB), undefined);
};

describe("what a step needs is looked for before anything is written", () => {
  it("a configuration, which may come later", async () => {
    using world = new JobWorld();
    await world.jobs.create({ job_id: JOB, description: "by hand" });
    await world.steer("activate");
    await refused(world, { code: "WORKFLOW_JOB_CONFIG_MISSING" });
    const { store, configPath } = world;
    await configureJob({ store, jobId: JOB, config: await world.config(), configPath, env: {} });
    assert.equal((await world.run()).job.status, "APPROVAL_REQUIRED");
    assert.deepEqual(
      (await world.job()).phases.map((phase) => phase.active_agent),
      ["builder", "reviewer"],
    );
  });

  it("an agent, a workspace, the variables of its agents", async () => {
    using world = new JobWorld();
    await assert.rejects(world.create({ worker: "bilder" }), { code: "WORKFLOW_JOB_AGENT" });
    assert.equal(await world.jobs.load(JOB), undefined);
    await world.activated();
    rmSync(world.workspace, { recursive: true });
    await refused(world, { code: "CONFIG_INVALID" });
  });

  it("a secret of the environment, which is in no document", async () => {
    using world = new JobWorld(() => ({}));
    const secret = "s3cr3t-value-of-the-test";
    writeFileSync(
      world.configPath,
      // oxlint-disable-next-line no-template-curly-in-string -- the config's own
      '{ name: jobs, workspace: work, agents: { builder: { cmd: [x], env: { API_TOKEN: "${THE_TOKEN}", OWN_KEY: literal-key-0001 } }, reviewer: { cmd: [x] } } }',
    );
    const env = { THE_TOKEN: secret };
    const config = await loadAgentsConfig(world.configPath, { env });
    await world.create({ config, env });
    await world.steer("activate");
    const kept = JSON.stringify(await world.store.documents.get(`jobs/${JOB}/config`));
    assert.ok(!kept.includes(secret) && !kept.includes("literal-key-0001"), kept);
    // oxlint-disable-next-line no-template-curly-in-string -- kept as it was written
    assert.ok(kept.includes("${THE_TOKEN}"));
    await assert.rejects(world.step({ env: {} }), { code: "CONFIG_INVALID" });
    assert.equal((await world.job()).status, "PENDING");
    assert.equal((await world.step({ env })).outcome, "COMPLETED");
    rmSync(world.configPath);
    await assert.rejects(world.step({ env }), { code: "CONFIG_MISSING" });
  });

  it.each(["with", "without"])(
    "nothing a person says tells a secret: %s a configuration that can be used",
    async (has) => {
      using world = new JobWorld(() => ({}));
      const secret = "s3cr3t-value-of-the-test";
      const env = { THE_TOKEN: secret, MINE_PIN: "pin-of-the-config" };
      writeFileSync(
        world.configPath,
        // oxlint-disable-next-line no-template-curly-in-string -- the config's own
        '{ name: jobs, workspace: work, policy: { redact: ["*_TOKEN", "*_PIN"] }, agents: { builder: { cmd: [x], env: { API_TOKEN: "${THE_TOKEN}" } }, reviewer: { cmd: [x] } } }',
      );
      const config = await loadAgentsConfig(world.configPath, { env });
      await world.create({ config, env, description: `use ${secret}`, by: secret });
      if (has === "without") await world.store.documents.put(`jobs/${JOB}/config`, {});
      await world.steer("activate", { env, summary: `the key is ${secret}`, by: `ann ${secret}` });
      if (has === "with") {
        await world.steer("suspend", { env, summary: "pin-of-the-config" });
        await world.steer("resume", { env });
        await stopped(world, { env, by: `worker ${secret}` });
        await world.steer("resume", { env });
        await world.step({ env });
        await world.restep({ env, summary: `again, with ${secret}` });
        await stopped(world, { env, by: "reviewer pin-of-the-config" });
      }
      const documents: string[] = [];
      for (const { key } of (await world.store.documents.list("")).items)
        documents.push(`${key} ${JSON.stringify(await world.store.documents.get(key))}`);
      for (const text of documents) assert.ok(!text.includes(secret) && !text.includes("pin-of-the"), text);
      const { history, description } = await world.job();
      assert.equal(description, "use [redacted]");
      assert.deepEqual([history[1]?.agent, history[1]?.summary], ["ann [redacted]", "the key is [redacted]"]);
      const stops = history.filter(({ summary }) => summary === "interrupted");
      assert.deepEqual(
        stops.map(({ action, agent }) => [action, agent]),
        has === "without"
          ? []
          : [
              ["pause", "worker [redacted]"],
              ["RETRY", "reviewer [redacted]"],
            ],
      );
    },
  );

  it("a kept configuration that was changed is refused, and can be given again", async () => {
    using world = new JobWorld();
    await world.activated();
    await world.store.documents.put(`jobs/${JOB}/config`, {
      schema: "holdfast/job-config/v1",
      job_id: "other",
    });
    await refused(world, { code: "WORKFLOW_JOB_DAMAGED" });
    const { store, configPath } = world;
    await configureJob({ store, jobId: JOB, config: await world.config(), configPath, env: {} });
    assert.equal((await world.step()).outcome, "COMPLETED");
  });

  it("and the turn of an agent: in every other state a step is refused by the table", async () => {
    const ways: Partial<Record<JobStatus, readonly Parameters<JobWorld["steer"]>[0][]>> = {
      DRAFT: [],
      SUSPENDED: ["suspend"],
      CANCELED: ["cancel"],
    };
    for (const [status, actions] of Object.entries(ways)) {
      using world = new JobWorld();
      await world.create();
      for (const action of actions) await world.steer(action);
      const expected = {
        code: "JOB_STATE",
        state: status,
        action: "start",
        allowed: allowedActions(status as JobStatus),
      };
      await refused(world, expected);
    }
    assert.deepEqual(JOB_TRANSITIONS.find(({ action }) => action === "start")?.from, ["PENDING"]);
    using world = new JobWorld();
    await world.activated();
    await world.run();
    await refused(world, { code: "JOB_STATE", state: "APPROVAL_REQUIRED" });
    await assert.rejects(world.run(), { code: "JOB_STATE" });
    await assert.rejects(world.step({ jobId: "none" }), { code: "JOB_NOT_FOUND" });
  });
});
