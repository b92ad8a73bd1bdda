import { systemClock } from "@holdfast/storage";
import { type JobManifest, jobStore } from "@holdfast/task-store";
import type { RunOptions } from "../run/options.ts";
import type { StepOutcome } from "./answer.ts";
import { holdingJob } from "./holding-job.ts";
import { withoutSecrets } from "./job-redactor.ts";
import { JobStepper } from "./job-stepper.ts";

/** Options of `stepJob` and `restepJob`. */
export interface StepJobOptions extends RunOptions {
  readonly jobId: string;
  /** Who asks for it; named in the history where the step is stopped, with secrets in it replaced. */
  readonly by?: string;
}

/** What came of a step. Field names are those of the records. */
export interface JobStepResult {
  /** The job afterwards. */
  readonly job: JobManifest;
  /**
   * `answered`: the agent answered, and the job moved on. `interrupted`: the signal stopped it. `requested`: another process asked for
   * a stop. `intervention`: the job was found interrupted for the third time in a row; no agent was asked.
   */
  readonly end: "answered" | "interrupted" | "requested" | "intervention";
  /** The run that did the step. */
  readonly run_id?: string;
  /** Phase and agent of the step. */
  readonly phase?: string;
  readonly agent?: string;
  readonly outcome?: StepOutcome;
  readonly summary?: string;
  /** What was added to the job's metrics. */
  readonly cost: number;
  readonly time_seconds: number;
}

/**
 * Takes a job one step on: the agent of its phase works, as a step of a workflow does, in a run of its own that the history names before
 * anything is asked; its answer moves the job along `JOB_TRANSITIONS`.
 *
 * A job that was left RUNNING or REVIEWING by a process that died is recovered first, and its run is gone on with: what is finished is not
 * done again. When the signal aborts, the agent is ended, a RUNNING job is PAUSED and a REVIEWING one waits for its review again.
 *
 * @throws {JobStateError} `JOB_STATE`: it is not the turn of an agent. Nothing was written.
 * @throws {JobError} `JOB_NOT_FOUND`, `JOB_HELD`, `JOB_DAMAGED`.
 * @throws {WorkflowError} `WORKFLOW_JOB_CONFIG_MISSING`, `WORKFLOW_JOB_AGENT`, `WORKFLOW_JOB_DAMAGED`, and those of `runWorkflow` and `resumeWorkflow`:
 * the job is then back where it was before the step.
 */
export async function stepJob(options: StepJobOptions): Promise<JobStepResult> {
  const jobs = jobStore(options.store, { clock: options.clock ?? systemClock });
  return holdingJob(jobs, options.jobId, (claim) => new JobStepper(jobs, claim, options).step());
}

/**
 * Takes the last step back (its entries stay in the history, marked) and makes it again, in a new run. Files that it left in the workspace stay.
 *
 * @throws {JobStateError} `JOB_STATE`: the last thing that happened was no answer of an agent. And as {@link stepJob}.
 */
export async function restepJob(
  options: StepJobOptions & { readonly summary?: string },
): Promise<JobStepResult> {
  const { store, jobId, env } = options;
  const jobs = jobStore(store, { clock: options.clock ?? systemClock });
  return holdingJob(jobs, jobId, async (claim) => {
    await jobs.takeBack(jobId, { fence: claim, ...(await withoutSecrets(store, jobId, options, env)) });
    return new JobStepper(jobs, claim, options).step();
  });
}
