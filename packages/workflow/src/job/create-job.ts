import { resolve } from "node:path";
import { type Clock, type Store, systemClock } from "@holdfast/storage";
import { type JobManifest, type JobPhase, jobStore } from "@holdfast/task-store";
import type { Environment } from "../config/environment.ts";
import type { TaskConfig, WorkflowConfig } from "../config/schema.ts";
import { WorkflowError } from "../errors.ts";
import { requireWorkspace } from "../run/run-workflow.ts";
import { redactorFor } from "../run/session.ts";
import { createRedactor } from "../supervisor/redactor.ts";
import { holdingJob } from "./holding-job.ts";
import { type JobConfig, keepJobConfig, readJobConfig } from "./job-config.ts";

/** Where a job's agents come from. */
export interface JobConfigOptions {
  /** Workspace, agents and policy; as `loadAgentsConfig` gives it. */
  readonly config: WorkflowConfig;
  /** Its file: secrets are read from it at each step. */
  readonly configPath?: string;
  /** Id of a task of the config: its inputs and expected outputs are given to the agents, and its goal where there is no description. */
  readonly task?: string;
  /** Folder to work in, instead of the config's. */
  readonly workspace?: string;
  /** Default: `process.env`. */
  readonly env?: Environment;
}

/** Options of `createJob`. */
export interface CreateJobOptions extends Partial<JobConfigOptions> {
  readonly store: Store;
  /** What is to be done; secrets in it are replaced. Default: the goal of the task, or of the only task there is. */
  readonly description?: string;
  /** Default: a new one. */
  readonly jobId?: string;
  /** Agent of the phase `work`. Default: `worker`, or `builder`, of the config. */
  readonly worker?: string;
  /** Agent of the phase `review`. Default: `supervisor`, or `reviewer`, of the config. */
  readonly supervisor?: string;
  /** In place of these two phases; the last of several is the supervisor's. */
  readonly phases?: readonly JobPhase[];
  /** Who makes it. */
  readonly by?: string;
  readonly clock?: Clock;
}

/**
 * Makes a job, as DRAFT, and keeps a copy of its configuration in the job's folder. Both are durable when it resolves.
 *
 * @throws {JobError} `JOB_EXISTS`, `JOB_INVALID`.
 * @throws {WorkflowError} `WORKFLOW_JOB_AGENT`: the config has no such agent. `WORKFLOW_NO_TASK`: no such task, or no description.
 * @throws {ConfigError} `CONFIG_INVALID`: the workspace is not a folder.
 */
export async function createJob(given: CreateJobOptions): Promise<JobManifest> {
  const options = withOnlyTask(given);
  const { store, config, jobId, by } = options;
  const kept = config === undefined ? undefined : jobConfig({ ...options, config });
  const env = options.env ?? process.env;
  const redactor = config === undefined ? createRedactor({ env }) : redactorFor(config, env);
  const description = redactor.text(options.description ?? goalOf(options));
  const phases = phasesOf(options);
  const job = await jobStore(store, { clock: options.clock ?? systemClock }).create(
    { ...(jobId === undefined ? {} : { job_id: jobId }), description, phases },
    by === undefined ? {} : { by: redactor.text(by) },
  );
  if (kept !== undefined) await keepJobConfig(store, job.job_id, kept, { env });
  return job;
}

/**
 * Gives a job another configuration, or its first one, for the steps that begin afterwards. A step that was interrupted is finished with
 * the configuration it began with. Inputs and expected outputs stay unless a task is named.
 *
 * @throws {JobHeldError} `JOB_HELD`. `WorkflowError`, `ConfigError` as {@link createJob}.
 */
export async function configureJob(
  options: JobConfigOptions & { readonly store: Store; readonly jobId: string; readonly clock?: Clock },
): Promise<void> {
  const { store, jobId, config } = options;
  const env = options.env ?? process.env;
  const jobs = jobStore(store, { clock: options.clock ?? systemClock });
  await holdingJob(jobs, jobId, async (fence) => {
    const before = await keptBefore(store, jobId, env);
    const given = jobConfig(options);
    const kept =
      before === undefined || options.task !== undefined
        ? given
        : { ...given, inputs: before.inputs, expectedOutputs: before.expectedOutputs };
    const job = await jobs.load(jobId);
    // Made without a configuration, by the names of the roles alone: now they have agents.
    if (before === undefined && job !== undefined && hasRoleNames(job)) {
      await jobs.update(job, { phases: [...phasesOf({ config })] }, { fence });
    } else {
      for (const { name, active_agent: agent } of job?.phases ?? []) requireAgent(config, agent, name);
    }
    await keepJobConfig(store, jobId, kept, { env, fence });
  });
}

async function keptBefore(store: Store, jobId: string, env: Environment): Promise<JobConfig | undefined> {
  try {
    return await readJobConfig(store, jobId, { env });
  } catch (error) {
    // What cannot be used is what a new configuration is given for.
    if (error instanceof WorkflowError) return undefined;
    throw error;
  }
}

function hasRoleNames({ phases }: JobManifest): boolean {
  return phases.map(({ active_agent: agent }) => agent).join() === "worker,supervisor";
}

function jobConfig(options: JobConfigOptions): JobConfig {
  const { config, configPath, workspace } = options;
  const task = options.task === undefined ? undefined : taskOf(config, options.task);
  const folder = resolve(workspace ?? config.workspace);
  requireWorkspace(folder, configPath);
  return {
    config: { ...config, workspace: folder },
    configPath: configPath === undefined ? undefined : resolve(configPath),
    inputs: task?.inputs ?? {},
    expectedOutputs: task?.expected_outputs ?? [],
  };
}

function taskOf(config: WorkflowConfig, id: string): TaskConfig {
  const task = config.tasks.find((one) => one.id === id);
  if (task !== undefined) return task;
  const ids = config.tasks.map((one) => one.id).join(", ") || "none";
  const message = `Cannot make a job of task "${id}": the configuration has ${ids}`;
  throw new WorkflowError("WORKFLOW_NO_TASK", message, { path: id });
}

/** A job that nothing else is said of is made of the only task there is. */
function withOnlyTask(options: CreateJobOptions): CreateJobOptions {
  const [first, ...others] = options.config?.tasks ?? [];
  const unsaid = options.description === undefined && options.task === undefined;
  return unsaid && first !== undefined && others.length === 0 ? { ...options, task: first.id } : options;
}

function goalOf({ config, task }: CreateJobOptions): string {
  if (config !== undefined && task !== undefined) return taskOf(config, task).goal;
  const message =
    "Cannot make a job: nothing says what is to be done; give a description, or a task of the configuration";
  throw new WorkflowError("WORKFLOW_NO_TASK", message, { path: "" });
}

function phasesOf(
  options: Pick<CreateJobOptions, "config" | "phases" | "worker" | "supervisor">,
): readonly JobPhase[] {
  const { config, worker, supervisor } = options;
  const phases = options.phases ?? [
    { name: "work", active_agent: worker ?? agentFor(config, ["worker", "builder"]) },
    { name: "review", active_agent: supervisor ?? agentFor(config, ["supervisor", "reviewer"]) },
  ];
  if (config !== undefined)
    for (const { name, active_agent: agent } of phases) requireAgent(config, agent, name);
  return phases;
}

/** The first of the names that the config has an agent for; the first name when it has none, or there is no config. */
function agentFor(config: WorkflowConfig | undefined, names: readonly [string, ...string[]]): string {
  return names.find((name) => config !== undefined && Object.hasOwn(config.agents, name)) ?? names[0];
}

function requireAgent(config: WorkflowConfig, agent: string, phase: string): void {
  if (Object.hasOwn(config.agents, agent)) return;
  const known = Object.keys(config.agents).join(", ");
  const message = `Cannot give phase "${phase}" to agent "${agent}": the configuration has ${known}; name one of them`;
  throw new WorkflowError("WORKFLOW_JOB_AGENT", message, { path: agent });
}
