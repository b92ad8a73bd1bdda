import assert from "node:assert/strict";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { idempotencyKey } from "@holdfast/idempotency";
import { type Command, commandSchema } from "@holdfast/ledger";
import { type Store, StoreError } from "@holdfast/storage";
import { describe, it } from "vitest";
import * as z from "zod";
import { describeRun, parseWorkflowConfig, verifyRun, type WorkflowResult } from "../src/index.ts";
import { type Answer, usualAnswers } from "./scripted-agents.ts";
import { World } from "./world.ts";

const COMPLETED: Answer = { event: "builder.completed", status: "success" };
const APPROVED: Answer = { event: "review.completed", status: "approved" };
const UPDATED: Answer = { event: "spec.updated" };
const others = (command: Command): Answer =>
  command.action === "review" ? APPROVED : command.action === "update_spec" ? UPDATED : COMPLETED;

const lineSchema = z.looseObject({
  seq: z.number(),
  kind: z.string(),
  event: z.string().optional(),
  message_id: z.string().optional(),
  payload: z.record(z.string(), z.unknown()).optional(),
  fields: z.record(z.string(), z.unknown()).optional(),
});
const linesOf = async (world: World): Promise<z.output<typeof lineSchema>[]> =>
  (await world.ledger()).map((line) => lineSchema.parse(JSON.parse(line)));
const codesOf = async (world: World): Promise<unknown[]> =>
  (await linesOf(world)).filter((line) => line.event === "error").map((line) => line.payload?.["code"]);
const actions = (result: WorkflowResult): string[] =>
  result.steps.filter((step) => step.status === "done").map((step) => step.action);

const writes = (command: Command): Answer =>
  command.action === "review" ? { ...APPROVED, files: { "docs/review.md": "fine\n" } } : others(command);

const silently = (command: Command): Answer =>
  command.action === "review" ? { ...APPROVED, undeclared: { "docs/review.md": "fine\n" } } : others(command);

/** A run that is interrupted in its review, after `src/a.mjs` was made. */
const interrupted = async (answer: (command: Command) => Answer): Promise<World> => {
  const controller = new AbortController();
  const world = new World((command, nth) =>
    command.action === "review" && nth === 1 && !controller.signal.aborted
      ? { before: () => controller.abort() }
      : answer(command),
  );
  assert.equal((await world.run({ signal: controller.signal })).status, "aborted");
  return world;
};

const makes = (command: Command): Answer =>
  command.action === "implement" ? { ...COMPLETED, files: { "src/a.mjs": "a\n" } } : others(command);

describe("runWorkflow()", () => {
  it("goes the default loop to its end, each step with its key, receipt and story", async () => {
    using world = new World();
    const result = await world.run();
    assert.equal(result.status, "completed");
    assert.deepEqual(
      result.steps.map((step) => [step.step, step.stage, step.action, step.status, step.round]),
      [
        [1, "implement", "implement", "done", 1],
        [2, "review", "review", "done", 1],
        [3, "implement_changes", "implement_changes", "done", 1],
        [4, "review", "review", "done", 2],
        [5, "spec_maintain", "update_spec", "done", 1],
      ],
    );
    assert.deepEqual(await verifyRun(world.store, world.runId), []);
    const described = await describeRun(world.store, world.runId);
    assert.deepEqual([described.state.status, described.state.current_stage], ["completed", "complete"]);
    assert.deepEqual(described.in_doubt, []);
    assert.equal((await world.transcript()).length, (await world.ledger()).length);
  });

  it("gives each command a key that can be computed again, the goal, the feedback that led to it and its round", async () => {
    using world = new World();
    await world.run();
    const commands = (await linesOf(world))
      .filter((line) => line.kind === "command")
      .map((line) => commandSchema.parse(line));
    for (const { action, task_id, inputs, expected_outputs, version, idempotency_key } of commands) {
      assert.equal(
        idempotency_key,
        idempotencyKey({ action, task_id, snapshot_id: version.snapshot_id, inputs, expected_outputs }),
      );
    }
    assert.deepEqual(
      commands.map((command) => command.inputs),
      [
        { goal: "make a", round: 1 },
        { goal: "make a", round: 1, feedback: { tests: { status: "pass" } } },
        { goal: "make a", round: 1, feedback: { comments: ["write a test"] } },
        { goal: "make a", round: 2 },
        { goal: "make a", round: 1 },
      ],
    );
  });

  it("writes the command's line before the agent is asked, and the receipt before the run goes on", async () => {
    using world: World = new World((command) => {
      seen.push(world.store.logs.head(`runs/${world.runId}/ledger`));
      receipts.push(
        world.store.documents.list(`runs/${world.runId}/receipts/`).then((page) => page.items.length),
      );
      return others(command);
    });
    const seen: Promise<number>[] = [];
    const receipts: Promise<number>[] = [];
    await world.run();
    assert.deepEqual(await Promise.all(seen), [2, 5, 7]);
    assert.deepEqual(await Promise.all(receipts), [0, 1, 2]);
  });

  it.each<[string, Answer, string]>([
    [
      "another checksum",
      {
        files: { "src/a.mjs": "x" },
        declare: (artifact) => ({ ...artifact, sha256: `sha256:${"0".repeat(64)}` }),
      },
      "artifact_mismatch",
    ],
    [
      "another size",
      { files: { "src/a.mjs": "x" }, declare: (artifact) => ({ ...artifact, size: 2 }) },
      "artifact_mismatch",
    ],
    [
      "no file",
      { files: { "src/a.mjs": "x" }, declare: (artifact) => ({ ...artifact, path: "src/none.mjs" }) },
      "artifact_mismatch",
    ],
    [
      "a path that leaves by ..",
      { files: { "src/a.mjs": "x" }, declare: (artifact) => ({ ...artifact, path: "../outside.txt" }) },
      "artifact_outside",
    ],
    [
      "an absolute path",
      { files: { "src/a.mjs": "x" }, declare: (artifact) => ({ ...artifact, path: "/etc/hostname" }) },
      "artifact_outside",
    ],
    [
      "a symlink that leaves",
      { files: { "src/a.mjs": "x" }, declare: (artifact) => ({ ...artifact, path: "src/link" }) },
      "artifact_outside",
    ],
    [
      "a folder",
      { files: { "src/a.mjs": "x" }, declare: (artifact) => ({ ...artifact, path: "src" }) },
      "artifact_mismatch",
    ],
    ["too many bytes", { files: { "src/a.mjs": "x".repeat(200) } }, "artifact_too_large"],
    ["an ending its stage does not know", { event: "spec.updated" }, "unexpected_event"],
    ["another snapshot than its own", { observed: "snap-000000000000" }, "version_mismatch"],
    ["an error", { event: "error", payload: { code: "OUT_OF_TOKENS", message: "no more" } }, "OUT_OF_TOKENS"],
    [
      "a crash",
      { fail: { kind: "failed", reason: "crash", code: "AGENT_CRASHED", message: "it died", fatal: false } },
      "AGENT_CRASHED",
    ],
  ])("does not take %s for a finished step, and tries again", async (_, bad, code) => {
    using world = new World(
      (command) =>
        command.action === "implement" && command.retry.attempt === 0
          ? { ...COMPLETED, ...bad }
          : others(command),
      "{ artifact_max_bytes: 100, retry: { backoff: { initial_ms: 0, max_ms: 0 } } }",
    );
    writeFileSync(join(world.folder, "outside.txt"), "x");
    symlinkSync(join(world.folder, "outside.txt"), join(world.workspace, "src", "link"));
    const result = await world.run();
    assert.equal(result.status, "completed");
    assert.deepEqual(await codesOf(world), [code]);
    assert.deepEqual(actions(result), ["implement", "review", "update_spec"]);
    assert.deepEqual(await verifyRun(world.store, world.runId), []);
  });

  it("fails after the last attempt; resumed, the step has as many attempts again", async () => {
    let broken = true;
    using world = new World((command) =>
      broken && command.action === "review"
        ? { event: "error", payload: { message: "no" } }
        : others(command),
    );
    const failed = await world.run();
    assert.deepEqual([failed.status, failed.error?.code], ["failed", "WORKFLOW_STEP_FAILED"]);
    assert.match(failed.hint ?? "", /holdfast resume/);
    assert.equal((await describeRun(world.store, world.runId)).state.error?.code, "WORKFLOW_STEP_FAILED");
    assert.deepEqual(await verifyRun(world.store, world.runId), []);
    assert.equal((await world.resume()).status, "failed");
    broken = false;
    const resumed = await world.resume();
    assert.deepEqual([resumed.status, resumed.commands_sent], ["completed", 2]);
    assert.deepEqual(
      world.agents.sent.map((sent) => sent.attempt),
      [0, 0, 1, 2, 3, 4, 5, 6, 0],
    );
    assert.equal(
      new Set(world.agents.sent.filter((sent) => sent.action === "review").map((sent) => sent.key)).size,
      1,
    );
    assert.equal((await describeRun(world.store, world.runId)).state.error, undefined);
  });

  it("does not try again what cannot help", async () => {
    using world = new World(() => ({
      fail: { kind: "failed", reason: "spawn", code: "AGENT_SPAWN", message: "no program", fatal: true },
    }));
    const result = await world.run();
    assert.equal(result.error?.code, "WORKFLOW_STEP_FAILED");
    assert.match(result.error?.message ?? "", /no program/);
    assert.equal(world.agents.sent.length, 1);
  });

  it("ends a loop that never ends, and goes on with it when it is resumed", async () => {
    let strict = true;
    using world = new World(
      (command) =>
        command.action === "review" && strict
          ? { event: "review.completed", status: "changes_requested" }
          : others(command),
      "{ max_rounds: 2, retry: { backoff: { initial_ms: 0 } } }",
    );
    const result = await world.run();
    assert.equal(result.error?.code, "WORKFLOW_ROUNDS_EXCEEDED");
    strict = false;
    assert.equal((await world.resume()).status, "completed");
  });

  it("ends as failed where the flow says so; a resume sends nothing", async () => {
    using world = new World(() => ({ event: "builder.completed", status: "failed" }));
    const result = await world.run();
    assert.deepEqual([result.status, result.error?.code], ["failed", "WORKFLOW_FLOW_FAILED"]);
    assert.deepEqual((await world.resume()).error, result.error);
    assert.equal(world.agents.sent.length, 1);
  });

  it("plans a review again when the workspace changed under it, on a fresh snapshot", async () => {
    using world: World = new World((command) => {
      if (command.action !== "review" || command.retry.attempt > 0) return others(command);
      return {
        ...APPROVED,
        before: () => writeFileSync(join(world.workspace, "src", "old.mjs"), "changed by somebody\n"),
      };
    });
    const result = await world.run();
    assert.equal(result.status, "completed");
    assert.deepEqual(await codesOf(world), ["version_mismatch"]);
    const [, first, second] = world.agents.sent;
    assert.notEqual(first?.snapshot, second?.snapshot);
    assert.notEqual(first?.key, second?.key);
    assert.deepEqual([first?.inputs["round"], second?.inputs["round"]], [1, 1]);
    assert.deepEqual(
      result.steps.map((step) => step.status),
      ["done", "discarded", "done", "done"],
    );
  });

  it("takes what a reviewer says it made for no change under it, and any change without strict pinning", async () => {
    using declared = new World(writes);
    assert.deepEqual([(await declared.run()).status, await codesOf(declared)], ["completed", []]);
    using loose = new World(silently, "{ strict_version_pinning: false }");
    assert.deepEqual([(await loose.run()).status, await codesOf(loose)], ["completed", []]);
  });

  it("says which expected output is missing, and goes on", async () => {
    using world = new World(others);
    const result = await world.run();
    assert.equal(result.status, "completed");
    const remark = (await linesOf(world)).find((line) => line.fields?.["missing_outputs"] !== undefined);
    assert.deepEqual(remark?.fields?.["missing_outputs"], ["src/a.mjs"]);
  });

  it("names the event instead of a feedback that would make a command too long", async () => {
    const payload = { log: "x".repeat(3_150) };
    using world = new World(
      (command) => ({ ...others(command), ...(command.action === "implement" ? { payload } : {}) }),
      "{ message_max_bytes: 3500 }",
    );
    const result = await world.run();
    assert.equal(result.status, "completed");
    const event = (await linesOf(world)).find((line) => line.event === "builder.completed");
    assert.deepEqual(world.agents.sent[1]?.inputs["feedback"], {
      too_large: true,
      event_message_id: event?.message_id,
    });
  });

  it("refuses a task that is too long for a command, before an agent is asked", async () => {
    using world = new World(others, "{ message_max_bytes: 1024 }");
    world.config = {
      ...world.config,
      tasks: [{ id: "T-1", goal: "x".repeat(2_000), inputs: {}, expected_outputs: [] }],
    };
    await assert.rejects(world.run(), { code: "WORKFLOW_COMMAND_TOO_LARGE" });
    assert.equal(world.agents.sent.length, 0);
  });

  it("tells of a long goal of any characters, whatever the longest message is", async () => {
    using world = new World(others, "{ message_max_bytes: 1024 }");
    const [task] = world.config.tasks;
    assert.ok(task);
    const name = "\u{1F600}".repeat(100);
    world.config = { ...world.config, name, tasks: [{ ...task, goal: `x${"\u{1F600}".repeat(100)}` }] };
    assert.equal((await world.run()).status, "completed");
  });

  it("follows a configured flow with its own stages and terminal events", async () => {
    using world = new World((command) =>
      command.action === "ask"
        ? { event: "answered", status: command.inputs["round"] === 1 ? "no" : "yes" }
        : { event: "made", files: { "src/a.mjs": "a" } },
    );
    world.config = world.parse(
      undefined,
      ", flow: { start: make, stages: { make: { agent: builder, action: make, on: { made: ask } }, ask: { agent: reviewer, action: ask, on: { answered/yes: done, answered: make } } } }",
    );
    const result = await world.run();
    assert.deepEqual([result.status, actions(result)], ["completed", ["make", "ask", "make", "ask"]]);
    assert.deepEqual(await verifyRun(world.store, world.runId), []);
  });

  it("asks for a task when there are several, and knows those there are", async () => {
    using world = new World(others);
    const [task] = world.config.tasks;
    assert.ok(task);
    world.config = { ...world.config, tasks: [task, { ...task, id: "T-2" }] };
    await assert.rejects(world.run(), { code: "WORKFLOW_NO_TASK", message: /T-1, T-2/ });
    await assert.rejects(world.run({ task: "T-3" }), { code: "WORKFLOW_NO_TASK" });
    assert.equal((await world.run({ task: "T-2" })).task_id, "T-2");
    await assert.rejects(world.run({ task: "T-2" }), { code: "WORKFLOW_RUN_EXISTS" });
  });

  it("refuses a workspace that is not there before anything is created", async () => {
    using world = new World(others);
    await assert.rejects(world.run({ workspace: join(world.folder, "none") }), {
      code: "CONFIG_INVALID",
      documentPath: "workspace",
    });
    assert.deepEqual((await world.store.documents.list("")).items, []);
  });
});

describe("resumeWorkflow()", () => {
  it("returns the result of a completed run at once and sends nothing", async () => {
    using world = new World();
    const result = await world.run();
    const sent = world.agents.sent.length;
    const ledger = await world.ledger();
    const again = await world.resume();
    assert.equal(again.status, "completed");
    assert.deepEqual(
      again.steps.map(({ step, key, receipt }) => ({ step, key, receipt })),
      result.steps.map(({ step, key, receipt }) => ({ step, key, receipt })),
    );
    assert.equal(world.agents.sent.length, sent);
    assert.deepEqual(await world.ledger(), ledger);
  });

  it("goes on with an interrupted step under the same key and correlation id, as the same attempt", async () => {
    const controller = new AbortController();
    using world = new World((command, nth) =>
      command.action === "review" && nth === 1 ? { before: () => controller.abort() } : others(command),
    );
    const aborted = await world.run({ signal: controller.signal });
    assert.equal(aborted.status, "aborted");
    assert.match(aborted.hint ?? "", /holdfast resume run-/);
    const described = await describeRun(world.store, world.runId);
    assert.deepEqual(
      [described.state.status, described.in_doubt.map((step) => step.step), described.holder],
      ["aborted", [2], undefined],
    );
    assert.deepEqual(
      (await verifyRun(world.store, world.runId)).map(({ severity, kind }) => [severity, kind]),
      [["warning", "in_doubt"]],
    );
    const resumed = await world.resume();
    assert.deepEqual([resumed.status, resumed.commands_sent], ["completed", 2]);
    const [, first, second] = world.agents.sent;
    assert.deepEqual(second, first);
    assert.deepEqual(await verifyRun(world.store, world.runId), []);
  });

  it("stops before the first command, too", async () => {
    using world = new World(others);
    const result = await world.run({ signal: AbortSignal.abort() });
    assert.deepEqual([result.status, result.commands_sent, world.agents.sent.length], ["aborted", 0, 0]);
    assert.equal((await world.resume()).status, "completed");
  });

  it("lets one work and tells the other who holds the run", async () => {
    const held = Promise.withResolvers<void>();
    using world = new World(others);
    await world.store.work.offer("runs", world.runId, {});
    const [claim] = await world.store.work.claim("runs", "somebody", { id: world.runId });
    assert.ok(claim);
    await world.store.work.settle(claim, "ready");
    const controller = new AbortController();
    world.runId = "run-20260102-030405-00000009";
    await world.run({ signal: AbortSignal.abort() });
    const working = world.resume({
      signal: controller.signal,
      onMessage: (message) => {
        if ("progress" in message && message.progress.kind === "step") held.resolve();
      },
    });
    await held.promise;
    await assert.rejects(world.resume(), (error: Error & { code?: string; holder?: { pid?: number } }) => {
      assert.equal(error.code, "WORKFLOW_RUN_HELD");
      assert.equal(error.holder?.pid, process.pid);
      assert.match(error.message, new RegExp(`process ${process.pid}.* since `));
      return true;
    });
    assert.equal((await working).status, "completed");
  });

  it("does not know a run that is not there", async () => {
    using world = new World();
    await assert.rejects(world.resume(), { code: "WORKFLOW_RUN_MISSING" });
  });

  it.each(["changed", "removed"])(
    "goes back to a finished step whose artifact was %s since",
    async (what) => {
      using world = await interrupted(makes);
      const artifact = join(world.workspace, "src", "a.mjs");
      if (what === "changed") writeFileSync(artifact, "b\n");
      else rmSync(artifact);
      assert.deepEqual(
        (await verifyRun(world.store, world.runId)).map(({ kind, severity }) => [kind, severity]),
        [
          ["artifact", "error"],
          ["in_doubt", "warning"],
        ],
      );
      const result = await world.resume();
      assert.equal(result.status, "completed");
      assert.deepEqual(
        result.steps.map((step) => [step.action, step.status, step.round]),
        [
          ["implement", "discarded", 1],
          ["review", "discarded", 1],
          ["implement", "done", 2],
          ["review", "done", 2],
          ["update_spec", "done", 1],
        ],
      );
      const back = (await linesOf(world)).find((line) => line.fields?.["rewind_to_step"] !== undefined);
      assert.equal(back?.fields?.["rewind_to_step"], 1);
      assert.deepEqual(await verifyRun(world.store, world.runId), []);
    },
  );

  it("plans an interrupted review again when something else of the workspace changed", async () => {
    using world = await interrupted(makes);
    writeFileSync(join(world.workspace, "src", "old.mjs"), "changed\n");
    const result = await world.resume();
    assert.equal(result.status, "completed");
    assert.deepEqual(await codesOf(world), ["version_mismatch"]);
    assert.deepEqual(
      world.agents.sent.map((sent) => sent.action),
      ["implement", "review", "review", "update_spec"],
    );
  });

  it("does not go back for a change that a later step made without saying so", async () => {
    const controller = new AbortController();
    using world = new World((command) => {
      if (command.action === "implement") return { ...COMPLETED, files: { "src/a.mjs": "a\n" } };
      if (command.action === "implement_changes") return { ...COMPLETED, undeclared: { "src/a.mjs": "b\n" } };
      if (command.action === "update_spec") return UPDATED;
      if (command.inputs["round"] === 1) return { event: "review.completed", status: "changes_requested" };
      return controller.signal.aborted ? APPROVED : { before: () => controller.abort() };
    });
    assert.equal((await world.run({ signal: controller.signal })).status, "aborted");
    const result = await world.resume();
    assert.deepEqual([result.status, result.commands_sent], ["completed", 2]);
  });

  it("writes a receipt again that was removed from a step the run went on from", async () => {
    using world = await interrupted(makes);
    await world.store.documents.delete(`runs/${world.runId}/receipts/T-1/step-1`);
    assert.ok(
      (await verifyRun(world.store, world.runId)).some(
        (finding) => finding.kind === "receipt" && finding.severity === "error",
      ),
    );
    const result = await world.resume();
    assert.deepEqual([result.status, result.commands_sent], ["completed", 2]);
    assert.deepEqual(await verifyRun(world.store, world.runId), []);
  });
});

describe("a disk that fills", () => {
  it("stops the run with the store's error and ends the agents; the run goes on once there is room", async () => {
    using world = new World();
    const { store } = world;
    let room = 6;
    let closed = 0;
    const full: Store = {
      ...store,
      logs: {
        ...store.logs,
        read: (...parameters) => store.logs.read(...parameters),
        head: (key) => store.logs.head(key),
        append: (...parameters) => {
          room -= 1;
          if (room < 0) return Promise.reject(new StoreError("STORE_NO_SPACE", "the disk is full"));
          return store.logs.append(...parameters);
        },
      },
    };
    const { createSupervisor } = world.agents;
    const running = world.run({
      store: full,
      createSupervisor: (options) => ({
        ...createSupervisor(options),
        close: async () => {
          closed += 1;
        },
      }),
    });
    await assert.rejects(running, { code: "STORE_NO_SPACE" });
    assert.ok(closed > 0);
    assert.equal(await store.work.holder("runs", world.runId), undefined);
    const before = await world.ledger();
    room = Number.POSITIVE_INFINITY;
    assert.equal((await world.resume({ store: full })).status, "completed");
    assert.deepEqual((await world.ledger()).slice(0, before.length), before);
    assert.deepEqual(await verifyRun(store, world.runId), []);
  });
});

describe("secrets", () => {
  const SECRET = "hunter2-and-more";

  it("reach agents, and nothing that is kept; keys can still be computed again", async () => {
    const environments: unknown[] = [];
    const controller = new AbortController();
    using world = new World((command, nth) => {
      if (command.action === "review" && nth === 1) return { before: () => controller.abort() };
      return {
        ...others(command),
        payload: { message: `the token is ${SECRET}`, [SECRET]: [SECRET] },
        files: { "src/a.mjs": "a" },
      };
    });
    const text = `{ name: "run ${SECRET}", workspace: work, agents: { builder: { cmd: [x, ${SECRET}], env: { API_TOKEN: ${SECRET}, OTHER_KEY: "\${HF_OTHER}" } }, reviewer: { cmd: [x] } }, tasks: [{ id: T-1, goal: "use ${SECRET}" }] }`;
    const configPath = join(world.folder, "flow.yaml");
    const env = { HF_OTHER: "another-secret", HF_TOKEN: "third-secret" };
    writeFileSync(configPath, text);
    world.config = parseWorkflowConfig(text, { path: configPath, env });
    const watch = (options: Parameters<typeof world.agents.createSupervisor>[0]) => {
      environments.push([options.agents["builder"]?.cmd, options.agents["builder"]?.env]);
      return world.agents.createSupervisor(options);
    };
    const options = { env, configPath, createSupervisor: watch };
    assert.equal((await world.run({ ...options, signal: controller.signal })).status, "aborted");
    assert.equal((await world.resume({ env, createSupervisor: watch })).status, "completed");
    const given = [["x", SECRET], { API_TOKEN: SECRET, OTHER_KEY: "another-secret" }];
    assert.deepEqual(environments, [given, given]);
    assert.deepEqual(await verifyRun(world.store, world.runId), []);
    const kept: unknown[] = [...(await world.ledger()), ...(await world.transcript())];
    for (const { key } of (await world.store.documents.list("runs/")).items)
      kept.push(await world.store.documents.get(key));
    for (const secret of [SECRET, "another-secret", "third-secret"])
      assert.ok(!JSON.stringify(kept).includes(secret));
    assert.equal(world.agents.sent[0]?.inputs["goal"], "use [redacted]");
  });

  it("that the store does not hold are an error when the configuration is gone", async () => {
    using world = new World(others);
    const text = `{ name: x, workspace: work, agents: { builder: { cmd: [x], env: { API_TOKEN: ${SECRET} } } }, tasks: [{ id: T-1, goal: x }] }`;
    world.config = parseWorkflowConfig(text, { path: join(world.folder, "flow.yaml"), env: {} });
    await world.run({ signal: AbortSignal.abort() });
    await assert.rejects(world.resume(), { code: "WORKFLOW_SECRET_MISSING" });
    await assert.rejects(world.resume({ configPath: join(world.folder, "flow.yaml") }), {
      code: "CONFIG_MISSING",
    });
    writeFileSync(join(world.folder, "other.yaml"), text);
    assert.equal((await world.resume({ configPath: join(world.folder, "other.yaml") })).status, "completed");
  });
});

describe("agents that cannot be trusted", () => {
  it("cannot speak for the orchestrator", async () => {
    using world: World = new World(others);
    const { createSupervisor } = world.agents;
    await world.run({
      createSupervisor: (options) => {
        const inner = createSupervisor(options);
        return {
          ...inner,
          execute: async (agent, command, executeOptions) => {
            await options.record({
              kind: "log",
              level: "info",
              message: "back",
              fields: { by: "orchestrator", rewind_to_step: 1, run: "completed" },
              timestamp: "2026-01-02T03:04:05Z",
            });
            return inner.execute(agent, command, executeOptions);
          },
        };
      },
    });
    const forged = (await linesOf(world)).filter((line) => line.fields?.["rewind_to_step"] !== undefined);
    assert.deepEqual(
      forged.map((line) => line.fields?.["by"]),
      ["agent", "agent", "agent"],
    );
    assert.equal(world.agents.sent.length, 3);
  });
});

describe("an agent that says much in one step", () => {
  it("is told in the transcript while the step goes on, not kept in memory until its end", async () => {
    using world: World = new World(others);
    const { createSupervisor } = world.agents;
    let told = 0;
    await world.run({
      createSupervisor: (options) => {
        const inner = createSupervisor(options);
        return {
          ...inner,
          execute: async (agent, command, executeOptions) => {
            for (let said = 0; said < 1_000; said++) {
              await options.record({
                kind: "event",
                message_id: `${command.message_id}-${said}`,
                correlation_id: command.correlation_id,
                task_id: command.task_id,
                from: { agent_type: agent },
                event: "builder.progress",
                payload: {},
                occurred_at: "2026-01-02T03:04:05Z",
              });
            }
            told = Math.max(told, await world.store.logs.head(`runs/${world.runId}/transcript`));
            return inner.execute(agent, command, executeOptions);
          },
        };
      },
    });
    assert.ok(told >= 800, `${told} lines are told before the first step ends`);
  });
});

describe("the usual answers", () => {
  it("leave a workspace where everything is found", async () => {
    using world = new World(usualAnswers);
    mkdirSync(join(world.workspace, "docs"));
    await world.run();
    assert.deepEqual(Object.keys(world.files()), [
      "specs/a.md",
      "src/a.mjs",
      "src/old.mjs",
      "tests/a.test.mjs",
    ]);
  });
});
