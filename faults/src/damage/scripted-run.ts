import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Command, LedgerEvent } from "@holdfast/ledger";
import { fileStore } from "@holdfast/storage";
import {
  type AgentSupervisor,
  type Outcome,
  parseWorkflowConfig,
  runWorkflow,
  type SupervisorOptions,
} from "@holdfast/workflow";

export const RUN = "run-20260102-030405-00000001";
export const TASK = "T-1";
/** Of a workflow with everything that a config may hold. */
export const WORKFLOW_CONFIG = `kind: workflow
name: build-and-review
workspace: work
policy:
  message_max_bytes: 262144
  retry: { max_attempts: 3, backoff: { initial_ms: 0, multiplier: 2, max_ms: 0, jitter: full } }
  max_restarts: 5
  redact: ["*_TOKEN", "*_KEY"]
agents:
  builder:         { cmd: [node, builder.mjs], heartbeat_interval_s: 10, timeouts_s: { implement: 600 }, env: { LOG_LEVEL: info } }
  reviewer:        { cmd: [node, reviewer.mjs], timeouts_s: { review: 300 } }
  spec_maintainer: { cmd: [node, spec.mjs] }
tasks:
  - { id: ${TASK}, goal: "Make a module, naïvely", inputs: { depth: 3 }, expected_outputs: [{ path: src/a.mjs }] }
`;

/** Runs a workflow to its end, with agents in this process: a run with a ledger, receipts, a story, a snapshot and its contents. */
export async function completedRun(folder: string): Promise<string> {
  const root = join(folder, "store");
  const workspace = join(folder, "work");
  write(workspace, "src/old.mjs", "export const old = 1;\n".repeat(40));
  await using store = fileStore(root);
  let ids = 0;
  const { status } = await runWorkflow({
    config: parseWorkflowConfig(WORKFLOW_CONFIG, { path: join(folder, "flow.yaml"), env: {} }),
    store,
    runId: RUN,
    env: {},
    newId: () => `id-${(ids += 1)}`,
    createSupervisor: (options) => agentsHere(workspace, options, () => `said-${(ids += 1)}`),
  });
  if (status !== "completed") throw new Error(`the workflow was to be completed, and is ${status}`);
  return root;
}

const EVENTS: Readonly<Record<string, Partial<LedgerEvent> & { readonly event: string }>> = {
  implement: { event: "builder.completed", status: "success", payload: { tests: { status: "pass" } } },
  review: { event: "review.completed", status: "approved", payload: { comments: ["ünïcode \u2028"] } },
  update_spec: { event: "spec.no_changes_needed" },
};

const close = (): Promise<void> => Promise.resolve();

function agentsHere(workspace: string, options: SupervisorOptions, newId: () => string): AgentSupervisor {
  const execute = async (agent: string, command: Command): Promise<Outcome> => {
    const event = (rest: Partial<LedgerEvent> & { readonly event: string }): LedgerEvent => ({
      kind: "event",
      message_id: newId(),
      correlation_id: command.correlation_id,
      task_id: command.task_id,
      from: { agent_type: agent, agent_id: `${agent}-1` },
      payload: {},
      occurred_at: "2026-01-02T03:04:05.000000Z",
      ...rest,
    });
    await options.recordStderr?.(agent, `${agent} works on ${command.action}`);
    if (command.action === "implement") {
      const artifacts = [write(workspace, "src/a.mjs", "export const a = 1;\n")];
      await options.record(event({ event: "artifact.produced", artifacts }));
    }
    const last = event(EVENTS[command.action] ?? { event: "error" });
    await options.record(last);
    return { kind: "terminal", event: last };
  };
  return { execute, close, [Symbol.asyncDispose]: close };
}

function write(root: string, path: string, content: string): { path: string; sha256: string; size: number } {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
  const sha256 = `sha256:${createHash("sha256").update(content).digest("hex")}`;
  return { path, sha256, size: Buffer.byteLength(content) };
}
