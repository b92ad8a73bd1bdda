import {
  loadWorkflowConfig,
  type RunOptions,
  resumeWorkflow,
  runWorkflow,
  type WorkflowResult,
} from "@holdfast/workflow";
import type { Context } from "../context.ts";
import { CommandError, EXIT, exitStatusOf } from "../failure.ts";
import { counted, printable } from "../table.ts";
import { watched } from "../watch-agents.ts";
import { keepYoungGenerationSmall } from "../young-generation.ts";

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
  keepYoungGenerationSmall();
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
