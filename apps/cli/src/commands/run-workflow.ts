import {
  agentSupervisor,
  loadWorkflowConfig,
  type RunOptions,
  resumeWorkflow,
  runWorkflow,
  type WorkflowMessage,
  type WorkflowResult,
} from "@holdfast/workflow";
import type { Context } from "../context.ts";
import { CommandError, EXIT, exitStatusOf } from "../failure.ts";
import { withOwnCommand } from "../own-command.ts";
import { ProgressLine } from "../progress.ts";
import { formatDuration, printable } from "../table.ts";

/** Runs a task of a workflow config, or each in turn, every one as a run of its own. */
export async function runWorkflowConfig(
  context: Context,
  path: string,
  options: { readonly task?: string },
): Promise<number> {
  const config = await loadWorkflowConfig(path);
  const ids = config.tasks.map((task) => task.id);
  if (options.task !== undefined && !ids.includes(options.task)) {
    throw new CommandError(
      "USAGE_UNKNOWN_TASK",
      `Cannot run task "${options.task}": ${path} has ${ids.join(", ")}`,
      EXIT.usage,
    );
  }
  const tasks = options.task === undefined ? ids : [options.task];
  for (const task of tasks) {
    const start = (begin: RunOptions) => runWorkflow({ ...begin, config, configPath: path, task });
    const status = await watch(context, start, { isList: tasks.length > 1 });
    if (status !== EXIT.done) return status;
  }
  return EXIT.done;
}

/** Goes on with a workflow run. */
export async function resumeWorkflowRun(context: Context, runId: string): Promise<number> {
  return watch(context, (begin) => resumeWorkflow(runId, begin), { isList: false });
}

/** Lets a run go on under the eyes of a terminal; when it cannot, says how it does later. */
async function watch(
  context: Context,
  start: (options: RunOptions) => Promise<WorkflowResult>,
  { isList }: { readonly isList: boolean },
): Promise<number> {
  let runId: string | undefined;
  const options = watched(context, (begun) => {
    runId = begun;
  });
  try {
    return await tell(context, await start(options), isList);
  } catch (error) {
    if (runId !== undefined && exitStatusOf(error) === EXIT.failed) {
      await context.note(
        `what was acknowledged is on disk; once this is mended, holdfast resume ${runId} goes on`,
      );
    }
    throw error;
  }
}

function watched(context: Context, onBegin: (runId: string) => void): RunOptions {
  const live = new ProgressLine(context);
  return {
    store: context.store(),
    signal: context.signal,
    createSupervisor: (options) => {
      const agents = Object.entries(options.agents).map(
        ([name, agent]) => [name, { ...agent, cmd: withOwnCommand(agent.cmd) }] as const,
      );
      return agentSupervisor({ ...options, agents: Object.fromEntries(agents) });
    },
    onMessage: (message) => {
      if ("progress" in message && message.progress.kind === "run") onBegin(message.progress.run_id);
      const line = progressText(message, context.verbose);
      if (line !== undefined) {
        live.clear();
        void context.note(line);
      } else if ("record" in message && message.record.message.kind === "heartbeat") {
        const { agent, status } = message.record.message;
        live.update(`  ${agent.agent_type} ${status}, last heard ${new Date().toISOString().slice(11, 19)}`);
      }
    },
  };
}

function progressText(message: WorkflowMessage, verbose: boolean): string | undefined {
  if ("progress" in message) {
    const note = message.progress;
    switch (note.kind) {
      case "run":
        return `${note.resumed ? "resuming" : "run"} ${note.run_id}, task ${note.task_id}`;
      case "step": {
        const round = note.round > 1 ? `, round ${note.round}` : "";
        const attempt = note.attempt > 0 ? `, attempt ${note.attempt + 1} of ${note.max_attempts}` : "";
        return `  ${String(note.step).padStart(2)} ${note.stage}: ${note.agent} ${note.action}${round}${attempt}`;
      }
      case "waiting":
        return `     waiting ${formatDuration(note.wait_ms)} before the next attempt`;
      case "warning":
        return `     warning: ${printable(note.message)}`;
      case "snapshot":
        return verbose ? `     snapshot ${note.snapshot_id}, ${note.files} files` : undefined;
      case "receipt":
        return verbose
          ? `     receipt of step ${note.step}, ${counted(note.artifacts, "artifact")}`
          : undefined;
    }
  }
  const { message: said } = message.record;
  if (said.kind === "event") {
    const status = said.status === undefined ? "" : ` (${said.status})`;
    const code =
      said.event === "error" ? ` ${textIn(said.payload, "code")} ${textIn(said.payload, "message")}` : "";
    return `     ${printable(`${said.from.agent_type}: ${said.event}${status}${code}`)}`;
  }
  if (said.kind === "log" && (verbose || said.level !== "info"))
    return `     ${printable(`${said.level}: ${said.message}`)}`;
  return undefined;
}

function textIn(payload: Readonly<Record<string, unknown>>, name: string): string {
  const value = payload[name];
  return typeof value === "string" ? value : "";
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

async function tell(context: Context, result: WorkflowResult, isList: boolean): Promise<number> {
  const artifacts = new Set(result.steps.flatMap((step) => step.artifacts.map((artifact) => artifact.path)));
  const steps = result.steps.filter((step) => step.status === "done").length;
  const colour = { completed: "green", failed: "red", aborted: "yellow" } as const;
  const error =
    result.error === undefined ? "" : `\n${result.error.code}: ${printable(result.error.message)}`;
  const hint = result.hint === undefined ? "" : `\n${result.hint}`;
  const text = `${result.run_id} ${context.style(colour[result.status], result.status)}: task ${result.task_id}, ${counted(steps, "step")}, ${counted(artifacts.size, "artifact")}${error}${hint}`;
  if (isList) await context.item(result, text);
  else await context.result(result, `${text}\n`);
  if (result.status === "completed") return EXIT.done;
  return result.status === "aborted" ? EXIT.interrupted : EXIT.failed;
}
