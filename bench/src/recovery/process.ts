import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process, { argv, stdout } from "node:process";
import type { Message } from "@holdfast/ledger";
import { fileStore } from "@holdfast/storage";
import {
  type AgentSupervisor,
  describeRun,
  type Outcome,
  parseWorkflowConfig,
  resumeWorkflow,
  runWorkflow,
  type SupervisorOptions,
  verifyRun,
} from "@holdfast/workflow";
import { peak, resetPeak } from "../peak-memory.ts";

// A process of its own, which does one of these with a run. `write` never ends: it kills itself in the middle of the run's step.
const RUN = "run-20260102-030405-00000001";
const AT_ONCE = 4_096;
const [job, root = "", lines = "0"] = argv.slice(2);

/** What an agent says while it works: one message in ten is an event, the others are remarks and heartbeats. */
function said(options: SupervisorOptions, taskId: string, correlationId: string, n: number): Message {
  const timestamp = "2026-01-02T03:04:05.000000Z";
  const agent = { agent_type: "builder", agent_id: "builder-1" };
  if (n % 10 === 0) {
    return {
      kind: "event",
      message_id: `m-${n}`,
      correlation_id: correlationId,
      task_id: taskId,
      from: agent,
      event: "builder.progress",
      payload: { done: n },
      occurred_at: timestamp,
    };
  }
  if (n % 2 === 0)
    return {
      kind: "heartbeat",
      agent,
      seq: n,
      status: "busy",
      pid: 4_711,
      uptime_s: n,
      last_activity_at: timestamp,
    };
  return {
    kind: "log",
    level: "info",
    message: `what happened in step ${n >> 3} of ${options.runId}`,
    fields: { n },
    timestamp,
  };
}

const close = (): Promise<void> => Promise.resolve();

function supervisor(execute: AgentSupervisor["execute"]): AgentSupervisor {
  return { execute, close, [Symbol.asyncDispose]: close };
}

async function write(): Promise<void> {
  mkdirSync(join(root, "work"), { recursive: true });
  writeFileSync(join(root, "work", "a.txt"), "a\n");
  const text =
    "{ name: long, workspace: work, agents: { builder: { cmd: [x] } }, tasks: [{ id: T-1, goal: go on }] }";
  await using store = fileStore(join(root, "store"));
  await runWorkflow({
    store,
    runId: RUN,
    config: parseWorkflowConfig(text, { path: join(root, "flow.yaml"), env: {} }),
    env: {},
    createSupervisor: (options) =>
      supervisor(async (_agent, { task_id: taskId, correlation_id: correlationId }) => {
        for (let n = 0; n < Number(lines); n += AT_ONCE) {
          const count = Math.min(AT_ONCE, Number(lines) - n);
          await Promise.all(
            Array.from({ length: count }, (_, at) =>
              options.record(said(options, taskId, correlationId, n + at)),
            ),
          );
        }
        process.kill(process.pid, "SIGKILL");
        return new Promise<Outcome>(() => undefined);
      }),
  });
}

/** Takes the run up until its agent would be asked again, and stops there. */
async function resume(): Promise<number> {
  await using store = fileStore(join(root, "store"));
  const stop = new AbortController();
  const start = performance.now();
  let ms = 0;
  await resumeWorkflow(RUN, {
    store,
    env: {},
    signal: stop.signal,
    createSupervisor: () =>
      supervisor(() => {
        ms = performance.now() - start;
        stop.abort();
        return Promise.resolve({
          kind: "failed",
          reason: "aborted",
          code: "AGENT_ABORTED",
          message: "enough",
          fatal: false,
        });
      }),
  });
  return ms;
}

async function timed(work: (store: ReturnType<typeof fileStore>) => Promise<unknown>): Promise<number> {
  await using store = fileStore(join(root, "store"));
  const start = performance.now();
  await work(store);
  return performance.now() - start;
}

const JOBS: Readonly<Record<string, () => Promise<number>>> = {
  resume,
  describe: () => timed((store) => describeRun(store, RUN)),
  verify: () =>
    timed(async (store) => {
      const findings = await verifyRun(store, RUN);
      const wrong = findings.filter(({ severity }) => severity === "error");
      if (wrong.length > 0) throw new Error(JSON.stringify(wrong));
    }),
};

if (job === "write") await write();
else {
  const run = JOBS[job ?? ""];
  if (run === undefined) throw new Error(`There is no job "${job}"`);
  const before = resetPeak();
  const used = process.cpuUsage();
  const ms = await run();
  const { user, system } = process.cpuUsage(used);
  stdout.write(JSON.stringify({ ms, cpuMs: (user + system) / 1_000, before, peak: peak() }));
}
