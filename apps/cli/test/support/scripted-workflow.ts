import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What of the usual scripted workflow is different in a test. */
export interface Scripted {
  /** Responses by action, in place of the usual ones (formats: agent script). */
  readonly responses?: Record<string, unknown>;
  /** More arguments of one agent's `mock-agent`. */
  readonly flags?: Partial<Record<"builder" | "reviewer" | "spec_maintainer", readonly string[]>>;
  /** More keys of one agent in the config. */
  readonly agents?: Partial<Record<"builder" | "reviewer" | "spec_maintainer", Record<string, unknown>>>;
  readonly policy?: Record<string, unknown>;
  readonly delayMs?: number;
}

const artifact = (path: string, content: string) => ({
  type: "artifact.produced",
  artifacts: [{ path, content }],
});

/** Writes a workflow of mock agents into a folder: two rounds of review, three artifacts, five steps. */
export function writeScriptedWorkflow(dir: string, scripted: Scripted = {}): void {
  mkdirSync(join(dir, "src"), { recursive: true });
  writeFileSync(join(dir, "src", "start.mjs"), "export const start = 1;\n");
  const delay = scripted.delayMs === undefined ? {} : { delay_ms: scripted.delayMs };
  const responses = {
    implement: {
      ...delay,
      events: [
        artifact("src/a.mjs", "export const a = 1;\n"),
        { type: "builder.completed", status: "success", payload: { tests: "pass" } },
      ],
    },
    implement_changes: {
      ...delay,
      events: [
        artifact("src/b.mjs", "export const b = 2;\n"),
        { type: "builder.completed", status: "success" },
      ],
    },
    review: [
      {
        ...delay,
        events: [{ type: "review.completed", status: "changes_requested", payload: { findings: ["add b"] } }],
      },
      { ...delay, events: [{ type: "review.completed", status: "approved" }] },
    ],
    update_spec: {
      ...delay,
      events: [artifact("docs/SPEC.md", "# Spec\n"), { type: "spec.updated", status: "success" }],
    },
    ...scripted.responses,
  };
  writeFileSync(join(dir, "script.json"), JSON.stringify({ responses }));
  const agent = (name: "builder" | "reviewer" | "spec_maintainer") => ({
    cmd: [
      "holdfast",
      "mock-agent",
      "--type",
      name,
      "--script",
      join(dir, "script.json"),
      ...(scripted.flags?.[name] ?? []),
    ],
    ...scripted.agents?.[name],
  });
  const config = {
    kind: "workflow",
    name: "scripted",
    workspace: ".",
    policy: {
      retry: { max_attempts: 3, backoff: { initial_ms: 10, multiplier: 2, max_ms: 50, jitter: "none" } },
      ...scripted.policy,
    },
    agents: {
      builder: agent("builder"),
      reviewer: agent("reviewer"),
      spec_maintainer: agent("spec_maintainer"),
    },
    tasks: [
      {
        id: "T-1",
        goal: "Add a and b",
        inputs: { language: "ES" },
        expected_outputs: [{ path: "src/a.mjs" }],
      },
    ],
  };
  writeFileSync(join(dir, "workflow.yaml"), JSON.stringify(config, null, 2));
}
