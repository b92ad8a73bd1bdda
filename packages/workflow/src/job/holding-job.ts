import type { Claim } from "@holdfast/storage";
import type { JobStore } from "@holdfast/task-store";

/**
 * Does something while it holds a job, and gives the job back whatever happens.
 *
 * @throws {JobHeldError} `JOB_HELD`: another process works on it.
 */
export async function holdingJob<T>(
  jobs: JobStore,
  jobId: string,
  work: (claim: Claim) => Promise<T>,
): Promise<T> {
  const claim = await jobs.claim(jobId);
  let result: T;
  try {
    result = await work(claim);
  } catch (error) {
    // What went wrong says more than a claim that cannot be given back; it ends with the process at the latest.
    await jobs.release(claim).catch(() => false);
    throw error;
  }
  await jobs.release(claim);
  return result;
}
