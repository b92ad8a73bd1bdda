import { statSync } from "node:fs";
import { resolve } from "node:path";
import { ConfigError } from "@holdfast/config";
import { systemClock } from "@holdfast/storage";
import { RUNS_QUEUE, runStore, workflowRunId } from "@holdfast/task-store";
import type { TaskConfig, WorkflowConfig } from "../config/schema.ts";
import { WorkflowError } from "../errors.ts";
import { flowOf } from "../flow/flow.ts";
import { claimWorkflowRun } from "./claim-workflow-run.ts";
import { snapshotConfig } from "./config-snapshot.ts";
import type { RunWorkflowOptions } from "./options.ts";
import type { WorkflowResult } from "./result.ts";
import { redactorFor, Session } from "./session.ts";
import { workToEnd } from "./work-to-end.ts";

function chooseTask(config: WorkflowConfig, id: string | undefined): TaskConfig {
  const ids = config.tasks.map((task) => task.id);
  const [first] = config.tasks;
  const task = id === undefined && ids.length === 1 ? first : config.tasks.find((one) => one.id === id);
  if (task !== undefined) return task;
  const state =
    id === undefined ? `the configuration has ${ids.length} tasks` : "the configuration has no such task";
  const message = `Cannot run task "${id ?? ""}": ${state}; name one of ${ids.join(", ")}`;
  throw new WorkflowError("WORKFLOW_NO_TASK", message, { path: id ?? "" });
}

function withWorkspace(config: WorkflowConfig, options: RunWorkflowOptions): WorkflowConfig {
  const workspace = resolve(options.workspace ?? config.workspace);
  requireWorkspace(workspace, options.configPath);
  return { ...config, workspace };
}

/**
 * Refuses a workspace that is not there.
 *
 * @throws {ConfigError} `CONFIG_INVALID`.
 */
export function requireWorkspace(workspace: string, configPath: string | undefined): void {
  if (statSync(workspace, { throwIfNoEntry: false })?.isDirectory() === true) return;
  const issue = {
    documentPath: "workspace",
    found: workspace,
    allowed: "a folder that exists",
    message: `workspace "${workspace}" is not a folder`,
  };
  const path = configPath ?? "";
  throw new ConfigError(
    "CONFIG_INVALID",
    `Cannot run the workflow: ${issue.message}; make it or name another`,
    { path, issues: [issue] },
  );
}

/**
 * Runs one task of a workflow from its start to an end.
 *
 * Before an agent is asked anything, everything a resume needs is durable in the store. A step's order is: key, ledger line, command
 * to the agent, its messages to the ledger, terminal event, artifacts checked against the files, receipt, run state. When it resolves,
 * no agent process is left.
 *
 * @param options - See {@link RunWorkflowOptions}; `config` as `loadWorkflowConfig` gives it.
 * @returns How it ended: a failed run and an interrupted one (`signal`) are results, not errors.
 * @throws {WorkflowError} `WORKFLOW_NO_TASK`, `WORKFLOW_RUN_EXISTS`, `WORKFLOW_SECRET_MISSING`, `WORKFLOW_COMMAND_TOO_LARGE`.
 * @throws Errors of the store (a full disk, a failed sync, a lost claim) and of the snapshot, as they are: the agents are ended,
 * nothing that was acknowledged is lost, and the run can be resumed.
 */
export async function runWorkflow(options: RunWorkflowOptions): Promise<WorkflowResult> {
  const { store, configPath } = options;
  const clock = options.clock ?? systemClock;
  const task = chooseTask(options.config, options.task);
  const config = withWorkspace(options.config, options);
  const redactor = redactorFor(config, options.env ?? process.env);
  const runId = options.runId ?? workflowRunId({ clock });
  const offered = await store.work.offer(RUNS_QUEUE, runId, { task_id: task.id });
  const claim = offered ? await claimWorkflowRun(store, runId) : undefined;
  if (claim === undefined) {
    const message = `Cannot start run "${runId}": there is one of this name; resume it or choose another id`;
    throw new WorkflowError("WORKFLOW_RUN_EXISTS", message, { path: runId });
  }
  return workToEnd(store, claim, async () => {
    const flow = flowOf(config);
    await runStore(store, { clock }).create(
      {
        run_id: runId,
        kind: "workflow",
        name: redactor.clip(config.name, 200).toWellFormed(),
        task_id: task.id,
        current_stage: flow.stages[flow.start]?.label ?? flow.start,
        config_snapshot: snapshotConfig(
          config,
          configPath === undefined ? undefined : resolve(configPath),
          redactor,
        ),
      },
      { fence: claim },
    );
    const session = await Session.open({ runId, config, configPath, task, claim, options });
    return {
      session,
      begin: async () => {
        options.onMessage?.({ progress: { kind: "run", run_id: runId, task_id: task.id, resumed: false } });
        await session.log.remark(
          "info",
          `Run ${runId} of "${config.name}" begins with task ${task.id}: ${task.goal.slice(0, 200).toWellFormed()}`,
          {
            run: "started",
            run_id: runId,
            task_id: task.id,
          },
        );
      },
    };
  });
}
