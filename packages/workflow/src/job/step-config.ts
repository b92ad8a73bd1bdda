import { TERMINAL_EVENTS } from "@holdfast/ledger";
import type { JobManifest } from "@holdfast/task-store";
import type { TaskConfig, WorkflowConfig } from "../config/schema.ts";
import { WorkflowError } from "../errors.ts";
import { DONE } from "../flow/flow.ts";
import type { JobConfig } from "./job-config.ts";
import { type AgentRole, feedbackOf, roundOf } from "./job-story.ts";

const ACTIONS = { worker: "implement", supervisor: "review" } as const;
const STAGES = { worker: "work", supervisor: "review" } as const;
/** Event that ends a step of a job, whoever sends it. */
const STEP_COMPLETED = "step.completed";

/** What a step of a job is, as a workflow of one stage: any event that ends a command ends it, and its payload is the answer. */
export function stepConfig(
  job: JobManifest,
  kept: JobConfig,
  step: { readonly role: AgentRole; readonly agent: string; readonly attempt: number },
): WorkflowConfig {
  const { role, agent } = step;
  const spec = kept.config.agents[agent];
  if (spec === undefined) {
    const known = Object.keys(kept.config.agents).join(", ");
    const message = `Cannot work on job "${job.job_id}": phase "${job.current_phase}" is for agent "${agent}", and its configuration has ${known}; give another with --config FILE`;
    throw new WorkflowError("WORKFLOW_JOB_AGENT", message, { path: job.job_id });
  }
  const stage = STAGES[role];
  const ends = [...TERMINAL_EVENTS.filter((event) => event !== "error"), STEP_COMPLETED];
  const on = Object.fromEntries(ends.map((event) => [event, DONE]));
  const { flow: _flow, ...rest } = kept.config;
  return {
    ...rest,
    name: `job ${job.job_id}`,
    agents: { [agent]: spec },
    tasks: [taskOf(job, kept, step)],
    flow: { start: stage, stages: { [stage]: { agent, action: ACTIONS[role], on } } },
  };
}

function taskOf(
  job: JobManifest,
  kept: JobConfig,
  { role, attempt }: { readonly role: AgentRole; readonly attempt: number },
): TaskConfig {
  const feedback = feedbackOf(job, role).map((told) => ({ ...told }));
  return {
    id: taskIdOf(job.job_id),
    goal: job.description === "" ? job.job_id : job.description,
    inputs: {
      ...kept.inputs,
      job: { job_id: job.job_id, phase: job.current_phase, role, attempt },
      ...(feedback.length === 0 ? {} : { feedback }),
      round: roundOf(job, role),
    },
    expected_outputs: [...kept.expectedOutputs],
  };
}

/** Ids of tasks start with a letter or a digit. */
function taskIdOf(jobId: string): string {
  return /^[A-Za-z0-9]/.test(jobId) ? jobId : `job${jobId}`.slice(0, 128);
}
