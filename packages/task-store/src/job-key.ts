import { jobIdSchema } from "./job.ts";

/** What the keys of all jobs start with. */
export const JOBS_PREFIX = "jobs/";

/** The queue whose items are jobs: who holds the item may work on the job. */
export const JOBS_QUEUE = "jobs";

/** Key of a job's manifest in a store. */
export function jobKey(jobId: string): string {
  checkJobId(jobId);
  return `${JOBS_PREFIX}${jobId}/job_manifest`;
}

/** Refuses what is no id of a job before it becomes a part of a key. */
export function checkJobId(jobId: string): void {
  if (!jobIdSchema.safeParse(jobId).success) {
    throw new RangeError(
      `Not an id of a job: ${JSON.stringify(jobId)}: letters, digits, dots, hyphens and underscores only`,
    );
  }
}
