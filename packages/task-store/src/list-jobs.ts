import type { Store } from "@holdfast/storage";
import { JobError } from "./errors.ts";
import type { JobManifest } from "./job.ts";
import { JOBS_PREFIX } from "./job-key.ts";
import type { ListJobsOptions } from "./jobs.ts";
import { readJob } from "./read-job.ts";

/** The jobs of a store, one after the other; see `JobStore.list()`. */
export async function* listJobs(
  store: Store,
  options: ListJobsOptions,
): AsyncGenerator<JobManifest, void, undefined> {
  let after: string | undefined;
  for (;;) {
    const page = await store.documents.list(JOBS_PREFIX, after === undefined ? {} : { after });
    const ids = new Set(page.items.flatMap(({ key }) => jobIdOf(key) ?? []));
    for (const id of ids) {
      const job = await readListed(store, id, options);
      if (job !== undefined) yield job;
      after = beyondJob(id);
    }
    if (page.cursor === undefined) return;
    if (after === undefined || after < page.cursor) after = page.cursor;
  }
}

/** Where the keys of a job end: the character after the slash. */
export function beyondJob(jobId: string): string {
  return `${JOBS_PREFIX}${jobId}0`;
}

async function readListed(
  store: Store,
  jobId: string,
  options: ListJobsOptions,
): Promise<JobManifest | undefined> {
  try {
    const job = (await readJob(store, jobId))?.value;
    return options.status === undefined || job?.status === options.status ? job : undefined;
  } catch (error) {
    // A folder that somebody put there, with a name no job has.
    if (error instanceof RangeError) return undefined;
    if (!(error instanceof JobError) || options.onDamaged === undefined) throw error;
    options.onDamaged(jobId, error);
    return undefined;
  }
}

function jobIdOf(key: string): string | undefined {
  const [, id, name, ...more] = key.split("/");
  return name === "job_manifest" && more.length === 0 ? id : undefined;
}
