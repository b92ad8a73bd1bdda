import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileStore } from "@holdfast/storage";
import { afterEach, beforeEach, describe, it } from "vitest";
import { describeRun, loadWorkflowConfig, resumeWorkflow, runWorkflow, verifyRun } from "../src/index.ts";

const MOCK = join(import.meta.dirname, "agents", "mock.ts");
const WORKER = join(import.meta.dirname, "agents", "run-workflow.ts");
const RUN = "run-20260102-030405-00000001";
const made = (content: string) => ({
  type: "artifact.produced",
  artifacts: [{ path: "src/a.mjs", content }],
});
const built = { type: "builder.completed", status: "success" };

const agent = (type: string, responses: unknown) => ({
  cmd: [
    process.execPath,
    "--conditions=holdfast-source",
    MOCK,
    JSON.stringify({ type, script: { responses } }),
  ],
});

const until = async (condition: () => boolean): Promise<void> => {
  const end = performance.now() + 20_000;
  while (!condition()) {
    assert.ok(performance.now() < end, "it did not come to that");
    await delay(5);
  }
};

describe("a workflow of real processes on files", () => {
  let folder: string;
  let root: string;
  const children: ChildProcess[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "holdfast-processes-"));
    root = join(folder, "store");
    mkdirSync(join(folder, "work", "src"), { recursive: true });
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });

  /** Writes the configuration of three mock agents; `delayMs` is how long each thinks. */
  const configure = (delayMs: number): string => {
    const respond = (...events: unknown[]) => ({ delay_ms: delayMs, events });
    const config = {
      name: "processes",
      workspace: "work",
      policy: { retry: { backoff: { initial_ms: 10, max_ms: 10 } } },
      agents: {
        builder: agent("builder", {
          implement: respond(made("export const a = 1;\n"), built),
          implement_changes: respond(made("export const a = 2;\n"), built),
        }),
        reviewer: agent("reviewer", {
          review: [
            respond({ type: "review.completed", status: "changes_requested" }),
            respond({ type: "review.completed", status: "approved" }),
          ],
        }),
        spec_maintainer: agent("spec_maintainer", {
          update_spec: respond({ type: "spec.no_changes_needed" }),
        }),
      },
      tasks: [{ id: "T-1", goal: "make a", expected_outputs: [{ path: "src/a.mjs" }] }],
    };
    const path = join(folder, "flow.json");
    writeFileSync(path, JSON.stringify(config));
    return path;
  };
  const ledgerPath = () => join(root, "runs", RUN, "ledger.ndjson");
  const ledger = (): string[] =>
    existsSync(ledgerPath()) ? readFileSync(ledgerPath(), "utf8").split("\n").slice(0, -1) : [];
  const worker = (...args: string[]): ChildProcess => {
    const child = spawn(process.execPath, ["--conditions=holdfast-source", WORKER, ...args], {
      stdio: "ignore",
    });
    children.push(child);
    return child;
  };
  /** Agents of this test that live. */
  const living = (): string[] =>
    readdirSync("/proc").filter((pid) => {
      if (!/^\d+$/.test(pid)) return false;
      try {
        return (
          readFileSync(`/proc/${pid}/environ`, "utf8").includes(
            `HOLDFAST_WORKSPACE=${join(folder, "work")}`,
          ) && !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"))
        );
      } catch {
        return false;
      }
    });

  it("completes, in files that only the user can read, and leaves no process behind", async () => {
    const configPath = configure(0);
    await using store = fileStore(root);
    const result = await runWorkflow({
      config: await loadWorkflowConfig(configPath),
      configPath,
      store,
      runId: RUN,
    });
    assert.equal(result.status, "completed");
    assert.deepEqual(
      result.steps.map((step) => step.action),
      ["implement", "review", "implement_changes", "review", "update_spec"],
    );
    assert.equal(readFileSync(join(folder, "work", "src", "a.mjs"), "utf8"), "export const a = 2;\n");
    assert.deepEqual(await verifyRun(store, RUN), []);
    assert.deepEqual(await store.check(), []);
    assert.deepEqual(living(), []);
    for (const name of ["run.json", "ledger.ndjson", "transcript.txt", "receipts/T-1/step-5.json"]) {
      assert.equal(statSync(join(root, "runs", RUN, name)).mode & 0o777, 0o600);
    }
  });

  it("ends its agents when it is interrupted, and goes on when it is resumed", async () => {
    const configPath = configure(20_000);
    const controller = new AbortController();
    await using store = fileStore(root);
    const config = await loadWorkflowConfig(configPath);
    const running = runWorkflow({
      config,
      configPath,
      store,
      runId: RUN,
      signal: controller.signal,
      onMessage: (message) => {
        if (
          "record" in message &&
          message.record.message.kind === "log" &&
          message.record.message.fields?.["agent_process"] !== undefined
        )
          controller.abort();
      },
    });
    assert.equal((await running).status, "aborted");
    assert.deepEqual(living(), []);
    assert.equal((await describeRun(store, RUN)).in_doubt.length, 1);
    assert.equal(JSON.parse(readFileSync(join(root, "runs", RUN, "run.json"), "utf8")).status, "aborted");
  });

  // The lines of an undisturbed run: started, command 2, agent, made, completed, command 6, agent, completed, command 9, ...
  it.each(process.env["HOLDFAST_LONG"] === undefined ? [2, 5] : [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])(
    "is resumed to its end after kill -9 of the orchestrator alone once line %i stands",
    async (line) => {
      const configPath = configure(40);
      const child = worker(configPath, root, RUN);
      await until(() => ledger().length >= line);
      child.kill("SIGKILL");
      await until(() => child.exitCode !== null || child.signalCode !== null);
      const before = ledger();
      await using store = fileStore(root);
      const doubt = (await describeRun(store, RUN)).in_doubt;
      assert.ok(doubt.length <= 1);
      const result = await resumeWorkflow(RUN, { store });
      assert.equal(result.status, "completed");
      assert.deepEqual(ledger().slice(0, before.length), before);
      assert.deepEqual(await verifyRun(store, RUN), []);
      assert.deepEqual(living(), []);
      const keys = ledger()
        .map((text) => JSON.parse(text))
        .filter((message) => message.kind === "command");
      assert.equal(new Set(keys.map((command) => command.idempotency_key)).size, 5);
      assert.ok(keys.length <= 6);
    },
  );

  it("is worked on by one process; another is told which", async () => {
    const configPath = configure(1_000);
    const child = worker(configPath, root, RUN);
    await until(() => ledger().length >= 2);
    await using store = fileStore(root);
    await assert.rejects(resumeWorkflow(RUN, { store }), (error: Error & { code?: string }) => {
      assert.equal(error.code, "WORKFLOW_RUN_HELD");
      assert.match(error.message, new RegExp(`process ${child.pid} on \\S+ holds it since \\d{4}-`));
      return true;
    });
    const before = ledger().length;
    const finding = (await verifyRun(store, RUN)).find(({ kind }) => kind === "in_doubt");
    assert.equal(finding?.severity, "info");
    assert.ok(ledger().length >= before);
    child.kill("SIGKILL");
  });
});
