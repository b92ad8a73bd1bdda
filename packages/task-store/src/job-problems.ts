import type { Store } from "@holdfast/storage";
import { JobError, JobStateError } from "./errors.ts";
import type { JobManifest } from "./job.ts";
import { jobKey } from "./job-key.ts";
import { allowedActions } from "./job-transitions.ts";

const placeOf = (store: Store, jobId: string): string => store.locate({ document: jobKey(jobId) });

/** There is no such job. */
export function jobNotFound(store: Store, jobId: string, what: string): JobError {
  const path = placeOf(store, jobId);
  return new JobError("JOB_NOT_FOUND", `Cannot ${what} job "${jobId}": there is no "${path}"`, { path });
}

/** The id of a new job is taken. */
export function jobExists(store: Store, jobId: string, cause: unknown): JobError {
  const path = placeOf(store, jobId);
  const message = `Cannot create job "${jobId}": the id is taken by "${path}"; choose another`;
  return new JobError("JOB_EXISTS", message, { path, cause });
}

/** The job is not as it was expected to be. */
export function jobConflict(
  store: Store,
  jobId: string,
  what: string,
  reason: string,
  cause?: unknown,
): JobError {
  const path = placeOf(store, jobId);
  const message = `Cannot ${what} job "${jobId}": ${reason}; load it and decide again`;
  return new JobError("JOB_CONFLICT", message, { path, cause });
}

/** What was to be written is no manifest. */
export function jobInvalid(jobId: string, reason: string, cause?: unknown): JobError {
  const path = `jobs/${jobId}/job_manifest`;
  return new JobError("JOB_INVALID", `Cannot write manifest of job "${jobId}": ${reason}`, { path, cause });
}

/** The job's status does not allow it. */
export function jobStateError(
  store: Store,
  { job_id: jobId, status }: JobManifest,
  action: string,
): JobStateError {
  const allowed = allowedActions(status);
  const path = placeOf(store, jobId);
  const message = `Cannot ${action} job "${jobId}": it is ${status}, which allows ${allowed.join(", ")}`;
  return new JobStateError(message, { path, state: status, action, allowed });
}
