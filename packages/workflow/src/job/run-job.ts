import { setTimeout as delay } from "node:timers/promises";
import { type Claim, systemClock } from "@holdfast/storage";
import { type JobManifest, jobStore } from "@holdfast/task-store";
import { backoffMs } from "../run/plan-command.ts";
import { holdingJob } from "./holding-job.ts";
import { readJobConfig } from "./job-config.ts";
import { watchRequests } from "./job-request.ts";
import { JobStepper } from "./job-stepper.ts";
import { retriesInARow } from "./job-story.ts";
import type { JobStepResult, StepJobOptions } from "./step-job.ts";

/** Options of `runJob`. */
export interface RunJobOptions extends StepJobOptions {
  /** Called after each step, once it is durable. What it throws is not caught. */
  readonly onStep?: (step: JobStepResult) => void;
}

/** What came of the steps. */
export interface JobRunResult {
  /** The job afterwards. */
  readonly job: JobManifest;
  /** As the last step's; `answered` says that it is a person's turn. */
  readonly end: JobStepResult["end"];
  readonly steps: readonly JobStepResult[];
}

/**
 * Takes a job step by step on until it is a person's turn (approval, intervention) or the signal stops it; the job is held all the while.
 * Before a step that is tried again it waits, as `policy.retry.backoff` says.
 *
 * @throws As `stepJob`.
 */
export async function runJob(options: RunJobOptions): Promise<JobRunResult> {
  const { onStep, ...rest } = options;
  const jobs = jobStore(options.store, { clock: options.clock ?? systemClock });
  return holdingJob(jobs, options.jobId, async (claim) => {
    const stepper = new JobStepper(jobs, claim, rest);
    const steps: JobStepResult[] = [];
    for (;;) {
      const step = await stepper.step();
      steps.push(step);
      onStep?.(step);
      if (step.end !== "answered" || !isAgentsTurn(step.job)) return { job: step.job, end: step.end, steps };
      const stop = await wait(claim, stepper, step, options);
      if (stop !== undefined) return { ...stop, steps };
    }
  });
}

function isAgentsTurn({ status }: JobManifest): boolean {
  return status === "PENDING" || status === "REVIEW_REQUIRED" || status === "RUNNING";
}

/** Waits before a repetition, and notices between two steps what asks for a stop. */
async function wait(
  claim: Claim,
  stepper: JobStepper,
  { job, outcome }: JobStepResult,
  options: RunJobOptions,
): Promise<Omit<JobRunResult, "steps"> | undefined> {
  let waitMs = 0;
  if (outcome === "RETRY") {
    const { config } = await readJobConfig(options.store, job.job_id, { env: options.env ?? process.env });
    waitMs = backoffMs(config.policy, Math.max(1, retriesInARow(job)), options.random ?? Math.random);
  }
  await using watch = watchRequests(options.store, claim, job, options.signal);
  if (waitMs > 0) {
    options.onMessage?.({ progress: { kind: "waiting", step: 0, wait_ms: waitMs } });
    await delay(waitMs, undefined, { signal: watch.signal }).catch(() => {});
  }
  if (watch.request !== undefined) {
    return { job: (await stepper.obey(job, watch.request)) ?? job, end: "requested" };
  }
  return options.signal?.aborted === true ? { job, end: "interrupted" } : undefined;
}
