import { type Json, type JsonDraft, type Store, StoreConflictError, StoreError } from "@holdfast/storage";
import type { JobManifest } from "./job.ts";
import { checkJobsIndex } from "./jobs-index-check.ts";
import {
  entryIn,
  entryOf,
  INDEX_KEY,
  INDEX_SCHEMA,
  type JobsIndexEntry,
  readJobsIndex,
} from "./jobs-index-document.ts";
import { placeOfEntry } from "./jobs-index-text.ts";
import { toJson } from "./to-json.ts";

const MAX_TRIES = 100;

/** A list of all jobs in one document, for people and for programs that only look. The manifests are what counts. */
export class JobsIndex {
  readonly #store: Store;
  readonly #manifests: () => AsyncIterable<JobManifest>;

  /** @param manifests - Gives every manifest that can be read. */
  constructor(store: Store, manifests: () => AsyncIterable<JobManifest>) {
    this.#store = store;
    this.#manifests = manifests;
  }

  /**
   * Takes up what was written of a job, in the time of one write, however many jobs there are. An index that is not there, or can be seen to be damaged, is
   * made anew. One that cannot be written stays behind: what the caller asked for is done, and the index can be made again.
   */
  async record(job: JobManifest): Promise<void> {
    try {
      await this.#record(job);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
    }
  }

  async #record(job: JobManifest): Promise<void> {
    for (let tries = 1; tries <= MAX_TRIES; tries += 1) {
      const found = await this.#store.documents.getBytes(INDEX_KEY);
      const place = found === undefined ? undefined : placeOfEntry(found.bytes, job.job_id);
      if (found === undefined || place === undefined) return this.rebuild();
      const known = place.text === undefined ? undefined : entryIn(place.text);
      if (known === "damaged") return this.rebuild();
      if (known !== undefined && known.revision >= job.revision) return;
      if (await this.#put({ schema: INDEX_SCHEMA, jobs: place.with(entryOf(job)) }, found.revision)) return;
    }
  }

  /** Makes the index from the manifests. */
  async rebuild(): Promise<void> {
    for (let tries = 1; tries <= MAX_TRIES; tries += 1) {
      const state = await readJobsIndex(this.#store);
      if (state.kind === "foreign") return;
      const entries: [string, JobsIndexEntry][] = [];
      for await (const job of this.#manifests()) entries.push([job.job_id, entryOf(job)]);
      // What is damaged has a revision that nobody can name, and nothing that could be lost.
      const expected = state.kind === "there" ? state.revision : state.kind === "none" ? null : undefined;
      const value = toJson({ schema: INDEX_SCHEMA, jobs: Object.fromEntries(entries) });
      if (await this.#put(value, expected)) return;
    }
  }

  /** What is wrong with the index, in words, one for each job and for itself. */
  async problems(): Promise<readonly string[]> {
    const check = await checkJobsIndex(this.#store);
    for await (const job of this.#manifests()) check.see(job);
    return check.problems();
  }

  async #put(value: Json | JsonDraft, expected: string | null | undefined): Promise<boolean> {
    try {
      await this.#store.documents.put(INDEX_KEY, value, expected === undefined ? {} : { expected });
      return true;
    } catch (error) {
      if (error instanceof StoreConflictError) return false;
      throw error;
    }
  }
}
