import assert from "node:assert/strict";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { memoryStore } from "@holdfast/storage";
import { afterAll, beforeAll, describe, it } from "vitest";
import {
  loadWorkflowConfig,
  type RunWorkflowOptions,
  runWorkflow,
  type WorkflowResult,
} from "../src/index.ts";
import { cachedEnv } from "./supervised.ts";

const examples = fileURLToPath(new URL("../../../examples/", import.meta.url));

describe("the examples run from a copy of their folder", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "holdfast-examples-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const run = async (
    name: string,
    task: string,
    env: NodeJS.ProcessEnv,
  ): Promise<{ result: WorkflowResult; said: string[] }> => {
    cpSync(join(examples, name), join(folder, name), { recursive: true });
    const configPath = join(folder, name, "workflow.yaml");
    const config = await loadWorkflowConfig(configPath);
    const said: string[] = [];
    const onMessage: RunWorkflowOptions["onMessage"] = (message) => {
      if (!("record" in message) || message.record.message.kind !== "event") return;
      const { event, status } = message.record.message;
      said.push(status === undefined ? event : `${event}/${status}`);
    };
    await using store = memoryStore();
    const result = await runWorkflow({ config, configPath, task, store, env, onMessage });
    return { result, said };
  };

  it("build-and-review: three agents that know the protocol from its description", async () => {
    const { result, said } = await run("build-and-review", "T-0042", {
      ...process.env,
      EXAMPLE_DELAY_MS: "5",
    });
    assert.equal(result.status, "completed", JSON.stringify(result));
    assert.deepEqual(said, [
      "builder.progress",
      "builder.completed/success",
      "review.completed/changes_requested",
      "builder.progress",
      "builder.completed/success",
      "review.completed/approved",
      "spec.updated/success",
    ]);
    const workspace = join(folder, "build-and-review", "workspace");
    assert.match(readFileSync(join(workspace, "docs/SPEC.md"), "utf8"), /reads weeks/);
    const { parseDuration } = await import(join(workspace, "src/duration.mjs"));
    assert.equal(parseDuration("P2W").weeks, 2);
    assert.equal(parseDuration("PT36H").hours, 36);
  });

  it("shell-agent: ordinary commands in a flow of their own", async () => {
    // Stands for the installed command, which is another package's.
    const bin = join(folder, "bin");
    mkdirSync(bin);
    const program = fileURLToPath(new URL("agents/holdfast.ts", import.meta.url));
    writeFileSync(
      join(bin, "holdfast"),
      `#!/bin/sh\nexec "${process.execPath}" --conditions=holdfast-source "${program}" "$@"\n`,
    );
    chmodSync(join(bin, "holdfast"), 0o755);
    const env = { ...cachedEnv, PATH: [bin, process.env["PATH"]].join(delimiter) };
    const { result, said } = await run("shell-agent", "NOTES-1", env);
    assert.equal(result.status, "completed", JSON.stringify(result));
    assert.deepEqual(said, [
      "draft.completed/success",
      "review.completed/changes_requested",
      "correct.completed/success",
      "review.completed/approved",
      "tests.passed/success",
    ]);
    const notes = readFileSync(join(folder, "shell-agent", "workspace", "docs/NOTES.md"), "utf8");
    assert.match(notes, /^# Release notes of version 2\.1\.0\n\n- Durations/);
    assert.ok(!notes.includes("TBD"));
  });
});
