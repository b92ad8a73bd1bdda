import type { Store } from "@holdfast/storage";
import type { JobManifest } from "./job.ts";
import { entryOf, type IndexState, type JobsIndexEntry, readJobsIndex } from "./jobs-index-document.ts";

/** Compares the index with manifests, which somebody reads anyway, one after the other. */
export class JobsIndexCheck {
  readonly #state: IndexState;
  readonly #entries: ReadonlyMap<string, JobsIndexEntry>;
  readonly #left: Set<string>;
  readonly #problems: string[] = [];

  constructor(state: IndexState) {
    this.#state = state;
    this.#entries = state.kind === "there" ? state.jobs : new Map();
    this.#left = new Set(this.#entries.keys());
    if (state.kind === "damaged") this.#problems.push("it cannot be read");
    if (state.kind === "foreign") this.#problems.push("it was written by a later version");
  }

  /** A manifest that can be read. */
  see(job: JobManifest): void {
    const { job_id: id } = job;
    this.#left.delete(id);
    if (this.#state.kind !== "there" && this.#state.kind !== "none") return;
    const known = this.#entries.get(id);
    if (known === undefined) this.#problems.push(`job "${id}" is missing`);
    else if (JSON.stringify(known) !== JSON.stringify(entryOf(job)))
      this.#problems.push(`job "${id}" is out of date`);
  }

  /** What is wrong with the index, in words, one for each job and for itself; asked once all manifests have been seen. */
  problems(): readonly string[] {
    return [
      ...this.#problems,
      ...[...this.#left].map((id) => `job "${id}" has no manifest that can be read`),
    ];
  }
}

/** Begins to compare the index as it stands now. */
export async function checkJobsIndex(store: Store): Promise<JobsIndexCheck> {
  return new JobsIndexCheck(await readJobsIndex(store));
}
