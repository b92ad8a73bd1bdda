import { type Claim, type Holder, type Store, StoreHeldError } from "@holdfast/storage";
import { JobError, JobHeldError } from "./errors.ts";
import { checkJobId, JOBS_QUEUE, jobKey } from "./job-key.ts";
import { jobNotFound } from "./job-problems.ts";

/** Claims the right to work on a job; see `JobStore.claim()`. */
export async function claimJob(
  store: Store,
  jobId: string,
  { worker = `holdfast-${process.pid}` }: { readonly worker?: string } = {},
): Promise<Claim> {
  const path = store.locate({ document: jobKey(jobId) });
  // A manifest that is damaged is there too; whoever claims it reads it and is told.
  const { items } = await store.documents.list(jobKey(jobId), { limit: 1 });
  if (items.length === 0) throw jobNotFound(store, jobId, "claim");
  await store.work.offer(JOBS_QUEUE, jobId, {});
  try {
    const [claim] = await store.work.claim(JOBS_QUEUE, worker, { id: jobId });
    if (claim !== undefined) return claim;
  } catch (error) {
    if (!(error instanceof StoreHeldError)) throw error;
    const { holder } = error;
    const host = holder.host === undefined ? "" : ` on ${holder.host}`;
    const since = holder.since === undefined ? "" : ` since ${holder.since}`;
    const message = `Cannot work on job "${jobId}": process ${holder.pid ?? "unknown"}${host} holds it${since}; wait until it is done, or stop it`;
    throw new JobHeldError(message, { path, holder, cause: error });
  }
  throw new JobError("JOB_DAMAGED", `Cannot work on job "${jobId}": its item of the queue is settled`, {
    path,
  });
}

/** Gives a claim back; false when it was lost meanwhile. */
export async function releaseJob(store: Store, claim: Claim): Promise<boolean> {
  return store.work.settle(claim, "ready");
}

/** Who works on a job now. */
export async function holderOfJob(store: Store, jobId: string): Promise<Holder | undefined> {
  checkJobId(jobId);
  return store.work.holder(JOBS_QUEUE, jobId);
}
