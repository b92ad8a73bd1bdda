import { setTimeout as delay } from "node:timers/promises";
import { type Clock, type Store, systemClock } from "@holdfast/storage";
import {
  type JobAction,
  JobHeldError,
  type JobManifest,
  type JobStore,
  jobStore,
  jobTransition,
} from "@holdfast/task-store";
import type { Environment } from "../config/environment.ts";
import { holdingJob } from "./holding-job.ts";
import { withoutSecrets } from "./job-redactor.ts";
import { dropRequest, leaveRequest, REQUESTABLE } from "./job-request.ts";

/** What a person may do with a job. */
export type JobSteering = Exclude<JobAction, "start" | "COMPLETED" | "STUCK" | "RETRY">;

/** Options of `steerJob`. */
export interface SteerJobOptions {
  readonly store: Store;
  readonly jobId: string;
  readonly action: JobSteering;
  /** Who does it. */
  readonly by?: string;
  /** Why; agents are told of what is said with `reject`, `resubmit`, `review` and `rerun`. Secrets in it are replaced. */
  readonly summary?: string;
  /** How long the process that works on the job may take to stop. Default 60,000 ms. */
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
  /** Where values of secrets are known from. Default: `process.env`. */
  readonly env?: Environment;
  /** Default: the system's clock. */
  readonly clock?: Clock;
}

const POLL_MS = 100;

/**
 * Does to a job what a person decides: approve, reject, suspend and so on.
 *
 * `pause`, `suspend` and `cancel` of a job that another process works on are asked of that process: it ends its agent, moves the job itself
 * and gives it back; this resolves when it has. Everything else is refused while the job is held.
 *
 * @throws {JobStateError} `JOB_STATE`: the state does not allow it. Nothing was written.
 * @throws {JobHeldError} `JOB_HELD`: another process works on it, or did not stop in time.
 * @throws {JobError} `JOB_NOT_FOUND`, `JOB_DAMAGED`.
 */
export async function steerJob(given: SteerJobOptions): Promise<JobManifest> {
  const { store, jobId, env, by: _by, summary: _summary, ...rest } = given;
  const options = { ...rest, store, jobId, ...(await withoutSecrets(store, jobId, given, env)) };
  const clock = options.clock ?? systemClock;
  const jobs = jobStore(options.store, { clock });
  const endsAt = performance.now() + (options.waitMs ?? 60_000);
  for (;;) {
    try {
      return await holdingJob(jobs, options.jobId, (fence) =>
        jobs.transition(options.jobId, options.action, { ...saidOf(options), fence }),
      );
    } catch (error) {
      if (!(error instanceof JobHeldError)) throw error;
      const job = await ask(jobs, error, options, { clock, endsAt });
      if (job !== undefined) return job;
    }
  }
}

function saidOf({ by, summary }: SteerJobOptions): { readonly by?: string; readonly summary?: string } {
  return { ...(by === undefined ? {} : { by }), ...(summary === undefined ? {} : { summary }) };
}

/** Asks the holder. The job once it was done; `undefined` when the holder went without doing it. */
async function ask(
  jobs: JobStore,
  held: JobHeldError,
  options: SteerJobOptions,
  { clock, endsAt }: { readonly clock: Clock; readonly endsAt: number },
): Promise<JobManifest | undefined> {
  const { store, jobId } = options;
  const action = REQUESTABLE.find((one) => one === options.action);
  const before = await jobs.load(jobId);
  await refuseByState(jobs, before, options.action);
  if (action === undefined || before === undefined) throw held;
  const left = await leaveRequest(store, jobId, { action, holder: held.holder, ...saidOf(options) }, clock);
  try {
    for (;;) {
      await delay(POLL_MS, undefined, options.signal === undefined ? {} : { signal: options.signal });
      const holder = await jobs.holder(jobId);
      const now = await jobs.load(jobId);
      const isDone = now?.history.slice(before.history.length).some((entry) => entry.action === action);
      if (holder?.token !== held.holder.token) return isDone === true ? now : undefined;
      if (isDone !== true) await refuseByState(jobs, now, action);
      if (performance.now() > endsAt) {
        if (isDone === true) return now;
        throw held;
      }
    }
  } finally {
    await dropRequest(store, jobId, left);
  }
}

/** Throws what the table says, and writes nothing: the revision is the one that the table was asked for. */
async function refuseByState(jobs: JobStore, job: JobManifest | undefined, action: JobAction): Promise<void> {
  if (job === undefined || jobTransition(job.status, action) !== undefined) return;
  await jobs.transition(job, action, { expected: job.revision });
}
