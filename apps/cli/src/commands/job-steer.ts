import { type JobSteering, steerJob } from "@holdfast/workflow";
import type { Context } from "../context.ts";
import { personOf } from "../job-person.ts";
import { requireJob, tellJob } from "./job-status.ts";

/** Options of what a person does with a job. */
export interface SteerOptions {
  readonly reason?: string;
  readonly by?: string;
}

/** Does to a job what a person decides. */
export async function steer(
  context: Context,
  jobId: string,
  action: JobSteering,
  options: SteerOptions,
): Promise<undefined> {
  const store = context.store();
  await requireJob(store, jobId);
  const { signal } = context;
  try {
    const job = await steerJob({
      store,
      jobId,
      action,
      signal,
      by: personOf(options.by),
      ...(options.reason === undefined ? {} : { summary: options.reason }),
    });
    await tellJob(context, store, job);
  } catch (error) {
    // Only the waiting for another process can be stopped.
    throw signal.aborted ? signal.reason : error;
  }
  return undefined;
}
