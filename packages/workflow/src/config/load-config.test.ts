import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError, type ConfigIssue } from "@holdfast/config";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, it } from "vitest";
import { loadWorkflowConfig, parseWorkflowConfig } from "./load-config.ts";

const BASE = `kind: workflow
name: build-and-review
workspace: .
agents:
  builder:  { cmd: [node, agents/builder.mjs], heartbeat_interval_s: 10, timeouts_s: { implement: 600 }, env: { LOG_LEVEL: info } }
  reviewer: { cmd: [node, agents/reviewer.mjs] }
tasks:
  - { id: T-0042, goal: "Add a parser", expected_outputs: [{ path: src/duration.mjs }] }
`;

const shown = (error: ConfigError): Partial<ConfigIssue> & { code: string } => ({
  code: error.code,
  documentPath: error.documentPath,
  line: error.line,
  found: error.found,
});

describe("parseWorkflowConfig()", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "holdfast-config-"));
    mkdirSync(join(folder, "agents"));
    writeFileSync(join(folder, "agents", "builder.mjs"), "");
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const path = () => join(folder, "flow.yaml");
  const parse = (text: string, env: Record<string, string> = {}) =>
    parseWorkflowConfig(text, { path: path(), env });
  const refused = (text: string, env: Record<string, string> = {}): ConfigError => {
    try {
      parse(text, env);
    } catch (error) {
      if (error instanceof ConfigError) return error;
      throw error;
    }
    return assert.fail("the configuration was taken");
  };

  it("fills in every default", () => {
    const config = parse(BASE);
    assert.deepEqual(config.policy, {
      message_max_bytes: 262_144,
      artifact_max_bytes: 1_073_741_824,
      retry: {
        max_attempts: 3,
        backoff: { initial_ms: 1_000, multiplier: 2, max_ms: 60_000, jitter: "full" },
      },
      max_restarts: 5,
      strict_version_pinning: true,
      redact: ["*_TOKEN", "*_KEY", "*_SECRET"],
      max_rounds: 10,
    });
    assert.deepEqual(config.tasks[0]?.expected_outputs, [{ path: "src/duration.mjs", required: true }]);
    assert.equal(config.workspace, folder);
  });

  it("takes JSON, also with tabs and CRLF, and a config without kind", () => {
    const { kind: _, ...plain } = parse(BASE);
    const text = JSON.stringify(plain, null, "\t").replaceAll("\n", "\r\n");
    assert.deepEqual(parse(text), parse(BASE));
  });

  const cmd = (value: string) =>
    parse(BASE.replace("[node, agents/builder.mjs]", value)).agents["builder"]?.cmd;

  it("takes relative programs and script files from the config's folder, and nothing else", () => {
    assert.deepEqual(cmd("[node, agents/builder.mjs, --fast, agents/none.mjs]"), [
      "node",
      join(folder, "agents/builder.mjs"),
      "--fast",
      "agents/none.mjs",
    ]);
    assert.deepEqual(cmd("[./agents/builder.mjs, agents]"), [join(folder, "agents/builder.mjs"), "agents"]);
    assert.deepEqual(cmd("[/bin/sh, -c, agents/builder.mjs]"), [
      "/bin/sh",
      "-c",
      join(folder, "agents/builder.mjs"),
    ]);
  });

  it.each([
    [
      "an unknown key",
      BASE.replace("heartbeat_interval_s", "heartbeat_interval"),
      { documentPath: "agents.builder.heartbeat_interval", line: 5, found: "heartbeat_interval" },
      "heartbeat_interval_s",
    ],
    [
      "an unknown top key",
      `${BASE}polcy: {}\n`,
      { documentPath: "polcy", line: 9, found: "polcy" },
      "policy",
    ],
    [
      "a wrong type",
      BASE.replace("600", '"600"'),
      { documentPath: "agents.builder.timeouts_s.implement", line: 5, found: '"600"' },
      "number",
    ],
    [
      "a missing key",
      BASE.replace("name: build-and-review\n", ""),
      { documentPath: "name", line: 1, found: "nothing" },
      "missing",
    ],
    [
      "an empty command",
      BASE.replace("[node, agents/builder.mjs]", "[]"),
      { documentPath: "agents.builder.cmd", line: 5, found: "a list" },
      "program",
    ],
    [
      "a timeout of 0",
      BASE.replace("600", "0"),
      { documentPath: "agents.builder.timeouts_s.implement", line: 5, found: "0" },
      "more than 0",
    ],
    [
      "a timeout of an unknown action",
      BASE.replace("implement: 600", "implment: 600"),
      { documentPath: "agents.builder.timeouts_s.implment", line: 5, found: "implment" },
      '"implement"',
    ],
    [
      "a task id that leaves its folder",
      BASE.replace("T-0042", "../T"),
      { documentPath: "tasks[0].id", line: 8, found: '"../T"' },
      "task id",
    ],
    [
      "an output that leaves the workspace",
      BASE.replace("src/duration.mjs", "../x"),
      { documentPath: "tasks[0].expected_outputs[0].path", line: 8, found: "../x" },
      "workspace",
    ],
    [
      "a task id twice",
      `${BASE}  - { id: T-0042, goal: again }\n`,
      { documentPath: "tasks[1].id", line: 9, found: "T-0042" },
      "twice",
    ],
    [
      "an input the workflow sets itself",
      BASE.replace('"Add a parser"', '"Add", inputs: { round: 3 }'),
      { documentPath: "tasks[0].inputs.round", line: 8, found: "round" },
      "itself",
    ],
    [
      "no builder for the default flow",
      BASE.replace("  builder:  ", "  bilder: "),
      { documentPath: "agents", line: 4, found: "bilder, reviewer" },
      "builder",
    ],
    [
      "an agent the default flow nearly knows",
      BASE.replace("  reviewer:", "  reviewr:"),
      { documentPath: "agents.reviewr", line: 6, found: "reviewr" },
      "reviewer",
    ],
    [
      "a workspace that is not there",
      BASE.replace("workspace: .", "workspace: nowhere"),
      { documentPath: "workspace", line: 3, found: "nowhere" },
      "is not there",
    ],
    [
      "a variable that is not set",
      BASE.replace("LOG_LEVEL: info", '"A": "${HF_NOT_SET}"'),
      { documentPath: "agents.builder.env.A", line: 5, found: "${HF_NOT_SET}" },
      "not set",
    ],
    [
      "a variable's broken name",
      BASE.replace("LOG_LEVEL: info", '"A": "${HF-X}"'),
      { documentPath: "agents.builder.env.A", line: 5, found: "${HF-X}" },
      "write ${NAME}",
    ],
    [
      "an agent called orchestrator",
      BASE.replace("  reviewer:", "  orchestrator:"),
      { documentPath: "agents.orchestrator", line: 6, found: "orchestrator" },
      "itself",
    ],
  ])("refuses %s with path, line, found and allowed", (_, text, expected, said) => {
    const error = refused(text);
    assert.deepEqual(shown(error), { code: "CONFIG_INVALID", ...expected });
    assert.ok(error.message.includes(said), error.message);
    assert.notEqual(error.allowed, undefined);
  });

  it.each([
    [
      "a flow that starts nowhere",
      "start: a, stages: { b: { agent: builder, action: x, on: { e: done } } }",
      "flow.start",
    ],
    [
      "a stage without an agent",
      "start: b, stages: { b: { agent: bob, action: x, on: { e: done } } }",
      "flow.stages.b.agent",
    ],
    [
      "a target that is no stage",
      "start: b, stages: { b: { agent: builder, action: x, on: { e: finished } } }",
      "flow.stages.b.on.e",
    ],
    [
      "a stage that is never reached",
      "start: b, stages: { b: { agent: builder, action: x, on: { e: done } }, c: { agent: builder, action: x, on: { e: done } } }",
      "flow.stages.c",
    ],
    [
      "a flow that cannot complete",
      "start: b, stages: { b: { agent: builder, action: x, on: { e: b, f: failed } } }",
      "flow",
    ],
    [
      "a stage without an end",
      "start: b, stages: { b: { agent: builder, action: x, on: {} } }",
      "flow.stages.b.on",
    ],
    [
      "a stage named like an end",
      "start: done, stages: { done: { agent: builder, action: x, on: { e: done } } }",
      "flow.stages.done",
    ],
    [
      "progress that ends a stage",
      "start: b, stages: { b: { agent: builder, action: x, on: { builder.progress: done } } }",
      'flow.stages.b.on["builder.progress"]',
    ],
  ])("refuses %s", (_, flow, place) => {
    const error = refused(`${BASE}flow: { ${flow} }\n`);
    assert.deepEqual([error.code, error.documentPath, error.line], ["CONFIG_INVALID", place, 9]);
  });

  it("tells every issue, in order of their lines", () => {
    const error = refused(
      BASE.replace("600", "-1").replace("T-0042", "a b").replace("workspace: .", "workspace: 3"),
    );
    assert.deepEqual(
      error.issues.map(({ line }) => line),
      [3, 5, 8],
    );
    assert.match(error.message, /and 2 more/);
  });

  it.each([
    ["not YAML", "a: [1", 1],
    ["a key twice", "name: a\nname: b\n", 2],
    ["nothing", "", undefined],
    ["two documents", "a: 1\n---\nb: 2\n", 2],
    ["an integer that loses digits", "a: 9007199254740993\n", 1],
    ["a number that is none", "a: .nan\n", 1],
    ["an overflow", "a: 1e999\n", 1],
    ["half a surrogate pair", 'a: "\\ud800"\n', 1],
    ["__proto__", "a: 1\nb: { __proto__: 3 }\n", 2],
    [
      "an alias bomb",
      `a: &a [x,x,x,x,x,x,x,x,x]\n${["b", "c", "d", "e", "f"].map((name, index) => `${name}: &${name} [${`*${"abcde"[index]},`.repeat(9)}]`).join("\n")}\n`,
      undefined,
    ],
    ["a tree without end", "[".repeat(50_000), undefined],
  ])("refuses %s as CONFIG_SYNTAX", (_, text, line) => {
    const error = refused(text);
    assert.equal(error.code, "CONFIG_SYNTAX");
    if (line !== undefined) assert.equal(error.line, line);
  });

  it.each(["kind: simulation\nsimulation: { name: x }\n", "simulation: { name: x }\n"])(
    "refuses a simulation",
    (text) => {
      const error = refused(text);
      assert.equal(error.code, "CONFIG_UNSUPPORTED");
      assert.match(error.message, /it is a simulation, not a workflow/);
    },
  );

  it("checks ${NAME} in env values, keeps it as it is, and knows it nowhere else", () => {
    const text = BASE.replace("LOG_LEVEL: info", () => "A: '${HF_A}-$${HF_B}'").replace(
      "Add a parser",
      "Add ${HF_C}",
    );
    const config = parse(text, { HF_A: "secret" });
    assert.equal(config.agents["builder"]?.env["A"], "${HF_A}-$${HF_B}");
    assert.equal(config.tasks[0]?.goal, "Add ${HF_C}");
  });

  const isRefused = (text: string): boolean => {
    try {
      parse(text);
      return false;
    } catch (error) {
      return error instanceof ConfigError;
    }
  };

  it("never throws anything but ConfigError, whatever the text", () => {
    const piece = fc.constantFrom(
      ..."agents:|  builder: {cmd: [x]}|tasks:|- {id: a, goal: b}|name: x|&a|*a|? |!!map|flow: {start: 1}|{|]|%YAML 9|<<: *a".split(
        "|",
      ),
      "|",
      "\t",
    );
    const texts = fc.array(fc.oneof(piece, fc.string())).map((parts) => parts.join("\n"));
    fc.assert(fc.property(texts, (text) => isRefused(text)));
    assert.equal(isRefused(BASE), false);
  });

  it("loadWorkflowConfig() tells a missing file, a folder and bytes that are not text apart", async () => {
    await assert.rejects(loadWorkflowConfig(join(folder, "none.yaml")), { code: "CONFIG_MISSING" });
    await assert.rejects(loadWorkflowConfig(folder), { code: "CONFIG_UNREADABLE" });
    writeFileSync(path(), Buffer.from([0x61, 0x3a, 0x20, 0xff]));
    await assert.rejects(loadWorkflowConfig(path()), { code: "CONFIG_SYNTAX" });
    symlinkSync("loop.yaml", join(folder, "loop.yaml"));
    await assert.rejects(loadWorkflowConfig(join(folder, "loop.yaml")), { code: "CONFIG_UNREADABLE" });
    writeFileSync(path(), `\uFEFF${BASE}`);
    assert.equal((await loadWorkflowConfig(path())).name, "build-and-review");
  });
});
