import { isDeepStrictEqual } from "node:util";
import {
  type Claim,
  type Clock,
  type Fence,
  formatTimestamp,
  type Holder,
  type Store,
  StoreConflictError,
  systemClock,
} from "@holdfast/storage";
import { definedFields } from "./defined-fields.ts";
import { JobHeldError } from "./errors.ts";
import { type JobAction, type JobManifest, jobManifestSchema } from "./job.ts";
import { claimJob, holderOfJob, releaseJob } from "./job-claims.ts";
import { newJobId } from "./job-id.ts";
import { jobKey } from "./job-key.ts";
import { advanced, moved, recovered, takenBack } from "./job-moves.ts";
import { jobConflict, jobExists, jobInvalid, jobNotFound, jobStateError } from "./job-problems.ts";
import type {
  JobChange,
  JobEventOptions,
  JobStore,
  JobWriteOptions,
  ListJobsOptions,
  NewJob,
} from "./jobs.ts";
import { JobsIndex } from "./jobs-index.ts";
import { listJobs } from "./list-jobs.ts";
import { describeIssue } from "./read-document.ts";
import { readJob } from "./read-job.ts";
import { toSealed } from "./to-json.ts";

/** Options of {@link jobStore}. */
export interface JobStoreOptions {
  /** Where the time comes from; default the system's clock. */
  readonly clock?: Clock;
  /** Gives that many random bytes, for new ids; default those of `node:crypto`. */
  readonly random?: (count: number) => Uint8Array;
}

const PHASES = [
  { name: "work", active_agent: "worker" },
  { name: "review", active_agent: "supervisor" },
] as const;

/** Somebody else may be faster that many times before a change gives up. */
const MAX_TRIES = 100;

/** Fields that follow from what happens, and are not for setting. */
const DERIVED = ["job_id", "status", "history", "metrics", "revision"] as const;

/**
 * The jobs in a store.
 *
 * @param store - Where the jobs live. Nothing is opened, and there is nothing to close.
 * @param options - `clock`, `random`.
 */
export function jobStore(store: Store, options: JobStoreOptions = {}): JobStore {
  return new StoredJobs(store, options);
}

class StoredJobs implements JobStore {
  readonly #store: Store;
  readonly #options: JobStoreOptions;
  readonly #clock: Clock;
  readonly #index: JobsIndex;

  constructor(store: Store, options: JobStoreOptions) {
    this.#store = store;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#index = new JobsIndex(store, () => this.list({ onDamaged: () => {} }));
  }

  async create(job: NewJob, options: { readonly by?: string } = {}): Promise<JobManifest> {
    const jobId = job.job_id ?? newJobId(this.#options);
    const phases = job.phases ?? PHASES;
    const phase = phases[0]?.name;
    const created = { timestamp: this.#now(), phase, status: "DRAFT", agent: options.by };
    const manifest = this.#check(jobId, {
      ...jobFields(job),
      job_id: jobId,
      phases,
      current_phase: phase,
      status: "DRAFT",
      history: [definedFields(created)],
      revision: 1,
    });
    const key = jobKey(manifest.job_id);
    try {
      await this.#store.documents.put(key, toSealed(manifest), { expected: null });
    } catch (error) {
      throw error instanceof StoreConflictError ? jobExists(this.#store, jobId, error) : error;
    }
    await this.#index.record(manifest);
    return manifest;
  }

  async load(jobId: string): Promise<JobManifest | undefined> {
    return (await readJob(this.#store, jobId))?.value;
  }

  list(options: ListJobsOptions = {}): AsyncGenerator<JobManifest, void, undefined> {
    return listJobs(this.#store, options);
  }

  async update(
    job: string | JobManifest,
    change: JobChange | ((job: JobManifest) => JobChange),
    options: JobWriteOptions = {},
  ): Promise<JobManifest> {
    return this.#change(job, "update", options, (present) => {
      const fields = typeof change === "function" ? change(present) : change;
      for (const name of DERIVED) {
        if (name in fields && !isDeepStrictEqual(Reflect.get(fields, name), present[name])) {
          throw jobInvalid(present.job_id, `"${name}" cannot be set; it follows from what happens`);
        }
      }
      return { ...present, ...fields, schema: present.schema };
    });
  }

  async transition(
    job: string | JobManifest,
    action: JobAction,
    options: JobEventOptions = {},
  ): Promise<JobManifest> {
    return this.#change(job, action, options, (present) =>
      this.#allowed(present, action, moved(present, action, options, this.#now())),
    );
  }

  async advance(job: string | JobManifest, options: JobEventOptions = {}): Promise<JobManifest> {
    return this.#change(job, "advance", options, (present) =>
      this.#allowed(present, "advance", advanced(present, options, this.#now())),
    );
  }

  async takeBack(job: string | JobManifest, options: JobEventOptions = {}): Promise<JobManifest> {
    return this.#change(job, "restep", options, (present) =>
      this.#allowed(present, "restep", takenBack(present, options, this.#now())),
    );
  }

  async recover(
    job: string | JobManifest,
    options: { readonly fence?: Fence; readonly by?: string } = {},
  ): Promise<JobManifest> {
    if (options.fence !== undefined) return this.#recover(job, options);
    const present = await this.#require(idOf(job), "recover");
    if (recovered(present, options, this.#now()) === undefined) return present;
    let claim: Claim;
    try {
      claim = await this.claim(present.job_id);
    } catch (error) {
      if (error instanceof JobHeldError) return present;
      throw error;
    }
    try {
      return await this.#recover(present, { ...options, fence: claim });
    } finally {
      await this.release(claim);
    }
  }

  async claim(jobId: string, options: { readonly worker?: string } = {}): Promise<Claim> {
    return claimJob(this.#store, jobId, options);
  }

  async release(claim: Claim): Promise<boolean> {
    return releaseJob(this.#store, claim);
  }

  async holder(jobId: string): Promise<Holder | undefined> {
    return holderOfJob(this.#store, jobId);
  }

  async checkIndex(): Promise<readonly string[]> {
    return this.#index.problems();
  }

  async rebuildIndex(): Promise<void> {
    await this.#index.rebuild();
  }

  async #recover(
    job: string | JobManifest,
    options: { readonly fence?: Fence; readonly by?: string },
  ): Promise<JobManifest> {
    return this.#change(
      job,
      "recover",
      options,
      (present) => recovered(present, options, this.#now()) ?? present,
    );
  }

  /** Compare-and-set, decided anew as often as somebody else is faster; nothing is written when nothing changes. */
  async #change(
    job: string | JobManifest,
    what: string,
    options: JobWriteOptions,
    decide: (present: JobManifest) => JobManifest,
  ): Promise<JobManifest> {
    const jobId = idOf(job);
    const key = jobKey(jobId);
    for (let tries = 1; ; tries += 1) {
      const stored = await readJob(this.#store, jobId);
      if (stored === undefined) throw jobNotFound(this.#store, jobId, what);
      const present = stored.value;
      if (options.expected !== undefined && options.expected !== present.revision)
        throw jobConflict(
          this.#store,
          jobId,
          what,
          `its revision is ${present.revision}, not ${options.expected}`,
        );
      const next = this.#check(jobId, decide(present));
      if (isDeepStrictEqual(next, definedFields(present))) return present;
      const written = { ...next, revision: present.revision + 1 };
      try {
        const fence = options.fence === undefined ? {} : { fence: options.fence };
        await this.#store.documents.put(key, toSealed(written), { expected: stored.revision, ...fence });
      } catch (error) {
        if (!(error instanceof StoreConflictError)) throw error;
        if (tries === MAX_TRIES)
          throw jobConflict(this.#store, jobId, what, `somebody else was faster ${tries} times`, error);
        continue;
      }
      await this.#index.record(written);
      return written;
    }
  }

  async #require(jobId: string, what: string): Promise<JobManifest> {
    const job = await this.load(jobId);
    if (job === undefined) throw jobNotFound(this.#store, jobId, what);
    return job;
  }

  #allowed(present: JobManifest, action: string, next: JobManifest | undefined): JobManifest {
    if (next === undefined) throw jobStateError(this.#store, present, action);
    return next;
  }

  #check(jobId: string, value: object): JobManifest {
    const parsed = jobManifestSchema.safeParse(value);
    if (!parsed.success) throw jobInvalid(jobId, describeIssue(parsed.error.issues), parsed.error);
    return definedFields(parsed.data);
  }

  #now(): string {
    return formatTimestamp(this.#clock());
  }
}

function idOf(job: string | JobManifest): string {
  return typeof job === "string" ? job : job.job_id;
}

/** What a caller may say of a new job. */
function jobFields(job: NewJob): object {
  const { metrics: _metrics, ...fields } = job;
  return fields;
}
