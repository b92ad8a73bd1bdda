import type { Artifact } from "@holdfast/ledger";
import type { Claim, Fence, Holder } from "@holdfast/storage";
import type { JobError } from "./errors.ts";
import type { JobAction, JobManifest, JobPhase, JobStatus } from "./job.ts";

/** What a new job is made of; further fields are kept. It starts as DRAFT, in its first phase, at revision 1. */
export interface NewJob {
  /** Default: a new one, `job-{YYYYMMDD}-{HHMMSS}-{8 hex}`. */
  readonly job_id?: string;
  readonly description: string;
  /** Default: `work` by the agent `worker`, then `review` by the agent `supervisor`. */
  readonly phases?: readonly JobPhase[];
  readonly [field: string]: unknown;
}

/** Fields to set; `undefined` removes one. Where a job stands, its history and its metrics change by `transition()` alone. */
export type JobChange = Partial<Omit<JobManifest, "status" | "history" | "metrics" | "revision" | "job_id">>;

/** Options of writes. */
export interface JobWriteOptions {
  /** The claim of the job: the write is refused once somebody else holds it (`STORE_FENCED`). */
  readonly fence?: Fence;
  /** The `revision` the manifest must have, otherwise `JOB_CONFLICT`. Without it the change is made to whatever stands. */
  readonly expected?: number;
}

/** What is to be said of something that happens to a job. */
export interface JobEventOptions extends JobWriteOptions {
  /** Who does it: an agent or a person; becomes the entry's `agent`. */
  readonly by?: string;
  readonly summary?: string;
  /** Finite, from 0; added to the job's `cumulative_cost`. */
  readonly cost?: number;
  /** Finite, from 0; added to the job's `cumulative_time_seconds`. */
  readonly timeSeconds?: number;
  /** Files that show what was done. */
  readonly evidence?: readonly Artifact[];
  /** The run that did it. */
  readonly runId?: string;
}

/** Which jobs to list. */
export interface ListJobsOptions {
  readonly status?: JobStatus;
  /** Told of jobs whose manifest cannot be read, which are then left out; without it the first of them is an error. */
  readonly onDamaged?: (jobId: string, error: JobError) => void;
}

/** Jobs of a store. Everything is durable when it resolves. Methods that take a job take its id, or a manifest of any revision. */
export interface JobStore {
  /**
   * Claims an id and writes the first manifest.
   *
   * @throws {JobError} `JOB_EXISTS` when the id is taken, `JOB_INVALID`.
   */
  create(job: NewJob, options?: { readonly by?: string }): Promise<JobManifest>;
  /**
   * The manifest of a job; `undefined` when there is none.
   *
   * @throws {JobError} `JOB_DAMAGED`, `JOB_NEWER_FORMAT`.
   */
  load(jobId: string): Promise<JobManifest | undefined>;
  /** Jobs in the byte order of their ids, one at a time. The manifests are what counts; the index is not looked at. */
  list(options?: ListJobsOptions): AsyncGenerator<JobManifest, void, undefined>;
  /**
   * Changes fields: compare-and-set, so that no update is lost. Written, and one revision on, only when something changed.
   *
   * @param change - The fields, or a function from the present manifest to them, called again when somebody else was faster.
   * @throws {JobError} `JOB_NOT_FOUND`, `JOB_CONFLICT`, `JOB_INVALID`, `JOB_DAMAGED`.
   */
  update(
    job: string | JobManifest,
    change: JobChange | ((job: JobManifest) => JobChange),
    options?: JobWriteOptions,
  ): Promise<JobManifest>;
  /**
   * Moves a job along `JOB_TRANSITIONS`, with an entry in its history.
   *
   * The phase: RUNNING `COMPLETED` goes on to the supervisor's phase; `reject` and `rerun` go back to the first; a state of the other role
   * takes the first phase of that role; otherwise it stays.
   *
   * @throws {JobStateError} `JOB_STATE`: not allowed in this state; nothing was written.
   * @throws {JobError} `JOB_NOT_FOUND`, `JOB_CONFLICT`, `JOB_INVALID`, `JOB_DAMAGED`.
   */
  transition(job: string | JobManifest, action: JobAction, options?: JobEventOptions): Promise<JobManifest>;
  /**
   * Goes on to the next phase of the worker while the job stays RUNNING: what its agent's COMPLETED means as long as `nextPhase(job)` names
   * one. With an entry in the history.
   *
   * @throws {JobStateError} `JOB_STATE`: not RUNNING, or no phase of the worker is left.
   */
  advance(job: string | JobManifest, options?: JobEventOptions): Promise<JobManifest>;
  /**
   * Takes back the last step: the job stands where it stood before it started, the entries of the step stay and are marked `taken_back`; what
   * it cost stays counted. Only as long as nothing else happened since.
   *
   * @throws {JobStateError} `JOB_STATE`: the last thing that happened was no answer of an agent.
   */
  takeBack(job: string | JobManifest, options?: JobEventOptions): Promise<JobManifest>;
  /**
   * Makes a job that was left RUNNING or REVIEWING by a holder that died ready again: PENDING or REVIEW_REQUIRED; at the third time in a row
   * INTERVENTION_REQUIRED. Anything else is left as it is, and so is a job whose holder lives.
   *
   * @param options - `fence`: the caller's own claim of the job; without it the job is claimed meanwhile.
   */
  recover(
    job: string | JobManifest,
    options?: { readonly fence?: Fence; readonly by?: string },
  ): Promise<JobManifest>;
  /**
   * Claims the right to work on a job; it ends with the process. Give it back with `release()`.
   *
   * @param options - `worker`: the name that others are told; default of this process.
   * @throws {JobHeldError} `JOB_HELD`, with who holds it.
   * @throws {JobError} `JOB_NOT_FOUND`.
   */
  claim(jobId: string, options?: { readonly worker?: string }): Promise<Claim>;
  /** Gives a claim back; false when it was lost meanwhile. */
  release(claim: Claim): Promise<boolean>;
  /** Who works on a job now; `undefined` when nobody does. */
  holder(jobId: string): Promise<Holder | undefined>;
  /** What is wrong with `jobs_index`, in words: none when it says what the manifests say. Nothing is changed. */
  checkIndex(): Promise<readonly string[]>;
  /** Writes `jobs_index` anew from the manifests; one that a later version wrote is left as it is. */
  rebuildIndex(): Promise<void>;
}
