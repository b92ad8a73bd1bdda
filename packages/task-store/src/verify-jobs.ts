import type { Store } from "@holdfast/storage";
import { addDecimal } from "./add-decimal.ts";
import { JobError } from "./errors.ts";
import {
  type JobHistoryEntry,
  type JobManifest,
  type JobStatus,
  jobActionSchema,
  jobIdSchema,
} from "./job.ts";
import { JOBS_PREFIX } from "./job-key.ts";
import { jobStore } from "./job-store.ts";
import { JOB_TRANSITIONS, jobTransition } from "./job-transitions.ts";
import { checkJobsIndex } from "./jobs-index-check.ts";
import { beyondJob } from "./list-jobs.ts";
import { readJob } from "./read-job.ts";

/** Something about jobs or tasks that is not as it should be. */
export interface WorkFinding {
  /** `error`: a promise is broken. `warning`: worth a look. `info`: as it should be, but unfinished. */
  readonly severity: "error" | "warning" | "info";
  /** `JOB_...` and task codes as they are; `state`, `history`, `metrics`, `index`, `interrupted`, `place`. */
  readonly kind: string;
  /** The document, for people. */
  readonly place: string;
  readonly message: string;
  readonly meaning?: string;
}

const EDITED = {
  severity: "warning",
  kind: "edited",
  message: "it was changed after it was written: its document_sha256 is not the checksum of the rest",
  meaning:
    "Another program or a person changed it, or the disk did. It is read as it is; the next change seals it.",
} as const;

/** Where a recovery leads: ready again, or, after too many, to a person. */
const RECOVERED: Partial<Record<JobStatus, readonly JobStatus[]>> = {
  RUNNING: ["PENDING", "INTERVENTION_REQUIRED"],
  REVIEWING: ["REVIEW_REQUIRED", "INTERVENTION_REQUIRED"],
};
const STEPS = ["COMPLETED", "STUCK", "RETRY"];

/**
 * Checks every job of a store: manifests that cannot be read or are gone, histories that do not follow the table, sums that are none, jobs that
 * nobody works on although they say so, an index that is out of step. Changes nothing.
 */
export async function* verifyJobs(
  store: Store,
  options: { readonly signal?: AbortSignal } = {},
): AsyncGenerator<WorkFinding, void, undefined> {
  const jobs = jobStore(store);
  const index = await checkJobsIndex(store);
  for await (const id of jobFolders(store)) {
    options.signal?.throwIfAborted();
    const place = store.locate({ document: `${JOBS_PREFIX}${id}/job_manifest` });
    try {
      const found = await readJob(store, id);
      if (found === undefined) {
        yield {
          severity: "error",
          kind: "state",
          place,
          message: `there is no manifest of job "${id}", but its folder is not empty`,
          meaning: "The manifest was removed: the job cannot be worked on. Restore the file from a copy.",
        };
        continue;
      }
      const { value: job, isEdited } = found;
      index.see(job);
      for (const finding of verifyJob(job)) yield { ...finding, place };
      if (isEdited) yield { ...EDITED, place };
      const isWorkedOn = job.status === "RUNNING" || job.status === "REVIEWING";
      if (isWorkedOn && (await jobs.holder(id)) === undefined) {
        yield {
          severity: "info",
          kind: "interrupted",
          place,
          message: `job "${id}" is ${job.status}, and nobody works on it`,
          meaning: "Its holder died, or waits for the next step, which goes on with it.",
        };
      }
    } catch (error) {
      if (!(error instanceof JobError)) throw error;
      yield { severity: "error", kind: error.code, place, message: error.message };
    }
  }
  // Somebody may have worked on a job meanwhile: what seems to be wrong is looked at once more, closer together.
  if (index.problems().length > 0) yield* indexFindings(store);
}

async function* indexFindings(store: Store): AsyncGenerator<WorkFinding, void, undefined> {
  for (const message of await jobStore(store).checkIndex()) {
    yield {
      severity: "warning",
      kind: "index",
      place: store.locate({ document: "jobs/jobs_index" }),
      message,
      meaning: "The manifests are what counts; holdfast repair makes the index again from them.",
    };
  }
}

/** Ids of what lies in the folder of jobs, whether it has a manifest or not. */
async function* jobFolders(store: Store): AsyncGenerator<string, void, undefined> {
  for (let after: string | undefined; ; ) {
    const options = after === undefined ? { limit: 1 } : { limit: 1, after };
    const { items } = await store.documents.list(JOBS_PREFIX, options);
    const key = items[0]?.key;
    if (key === undefined) return;
    const [, id = "", ...rest] = key.split("/");
    if (rest.length > 0 && jobIdSchema.safeParse(id).success) yield id;
    after = rest.length > 0 ? beyondJob(id) : key;
  }
}

/** What in a manifest does not fit together: a history that does not follow the table or does not end where the job stands, or sums that are none. */
export function verifyJob(job: JobManifest): Omit<WorkFinding, "place">[] {
  const findings: Omit<WorkFinding, "place">[] = [];
  let before: JobHistoryEntry | undefined;
  for (const [index, entry] of job.history.entries()) {
    const problem = before === undefined ? undefined : problemOf(before, entry);
    if (problem !== undefined) {
      const message = `entry ${index + 1} of the history: ${problem}`;
      findings.push({ severity: "error", kind: "history", message, meaning: "The manifest was edited." });
    }
    before = entry;
  }
  if (before !== undefined && before.status !== job.status) {
    const message = `the job is ${job.status}, but its history ends in ${before.status}`;
    findings.push({ severity: "error", kind: "history", message, meaning: "The manifest was edited." });
  }
  const { cumulative_cost: cost, cumulative_time_seconds: time } = job.metrics;
  const sums = [
    ["cumulative_cost", cost, sumOf(job.history.map((entry) => entry.cost))],
    ["cumulative_time_seconds", time, sumOf(job.history.map((entry) => entry.time_seconds))],
  ] as const;
  for (const [name, recorded, actual] of sums) {
    if (recorded === actual) continue;
    const message = `${name} is ${recorded}, the history adds up to ${actual}`;
    findings.push({ severity: "warning", kind: "metrics", message });
  }
  return findings;
}

function problemOf(before: JobHistoryEntry, entry: JobHistoryEntry): string | undefined {
  const { action, status } = entry;
  const from = before.status;
  if (entry.from !== undefined && entry.from !== from)
    return `it begins in ${entry.from}, but the entry before ends in ${from}`;
  switch (action) {
    case undefined: {
      const leadsThere = JOB_TRANSITIONS.some((row) => row.from.includes(from) && row.to === status);
      const isRecovery = RECOVERED[from]?.includes(status) === true;
      return from === status || leadsThere || isRecovery
        ? undefined
        : `nothing leads from ${from} to ${status}`;
    }
    case "advance":
      return from === "RUNNING" && status === "RUNNING" ? undefined : "only a running job advances";
    case "recover":
      return RECOVERED[from]?.includes(status) === true
        ? undefined
        : `a recovery does not lead from ${from} to ${status}`;
    case "restep": {
      const takesBack = before.taken_back === true && STEPS.includes(before.action ?? "");
      const isReady = status === "PENDING" || status === "REVIEW_REQUIRED";
      return takesBack && isReady ? undefined : "it takes back what was no step";
    }
    default: {
      if (!jobActionSchema.safeParse(action).success)
        return from === status ? undefined : `"${action}" is not known, and leads from ${from} to ${status}`;
      const row = jobTransition(from, action);
      if (row === undefined) return `${from} does not allow ${action}`;
      return row.to === status ? undefined : `${action} leads from ${from} to ${row.to}, not to ${status}`;
    }
  }
}

function sumOf(amounts: readonly (number | undefined)[]): number {
  return amounts.reduce((sum: number, amount) => (amount === undefined ? sum : addDecimal(sum, amount)), 0);
}
