import type { Store } from "@holdfast/storage";
import { JobError } from "./errors.ts";
import { type JobManifest, jobManifestSchema } from "./job.ts";
import { jobKey } from "./job-key.ts";
import { type DocumentReader, damaged, type ReadDocument, readDocument } from "./read-document.ts";

const READER: DocumentReader<JobManifest> = {
  schema: jobManifestSchema,
  name: "job-manifest",
  // Other programs may write it too.
  sealed: false,
  error: ({ kind, place, reason, cause }) => {
    const code = kind === "newer" ? "JOB_NEWER_FORMAT" : "JOB_DAMAGED";
    return new JobError(code, `Cannot read job manifest "${place}": ${reason}`, { path: place, cause });
  },
};

/**
 * Reads the manifest of a job; `undefined` when there is none.
 *
 * @throws {JobError} `JOB_DAMAGED`, `JOB_NEWER_FORMAT`.
 */
export async function readJob(store: Store, jobId: string): Promise<ReadDocument<JobManifest> | undefined> {
  const key = jobKey(jobId);
  const found = await readDocument(store, key, READER);
  if (found !== undefined && found.value.job_id !== jobId)
    throw damaged(store, key, READER, `it is the manifest of job "${found.value.job_id}"`);
  return found;
}
