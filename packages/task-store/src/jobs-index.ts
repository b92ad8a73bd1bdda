import {
  type Json,
  type JsonDraft,
  type Store,
  StoreConflictError,
  StoreDamagedError,
  StoreError,
} from "@holdfast/storage";
import * as z from "zod";
import { type JobManifest, jobStatusSchema } from "./job.ts";
import { placeOfEntry } from "./jobs-index-text.ts";
import { toJson } from "./to-json.ts";

const INDEX_KEY = "jobs/jobs_index";
const SCHEMA = "holdfast/jobs-index/v1";
const MAX_TRIES = 100;

const entrySchema = z.looseObject({
  description: z.string(),
  status: jobStatusSchema,
  current_phase: z.string(),
  revision: z.int().min(1),
});
/** What the index says of a job. */
type JobsIndexEntry = z.output<typeof entrySchema>;

const indexSchema = z.looseObject({
  schema: z.literal(SCHEMA).default(SCHEMA),
  // Not a record: that would lose an entry called `__proto__`, which is an id too.
  jobs: z.custom<object>((value) => typeof value === "object" && value !== null && !Array.isArray(value)),
});

type Jobs = ReadonlyMap<string, JobsIndexEntry>;

/** The index as it stands: its jobs; or that there is none, that it is damaged, or that a later version wrote it. */
type IndexState =
  | { readonly kind: "there"; readonly jobs: Jobs; readonly revision: string }
  | { readonly kind: "none" | "damaged" | "foreign" };

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
      if (await this.#put({ schema: SCHEMA, jobs: place.with(entryOf(job)) }, found.revision)) return;
    }
  }

  /** Makes the index from the manifests. */
  async rebuild(): Promise<void> {
    for (let tries = 1; tries <= MAX_TRIES; tries += 1) {
      const state = await this.read();
      if (state.kind === "foreign") return;
      const entries: [string, JobsIndexEntry][] = [];
      for await (const job of this.#manifests()) entries.push([job.job_id, entryOf(job)]);
      // What is damaged has a revision that nobody can name, and nothing that could be lost.
      const expected = state.kind === "there" ? state.revision : state.kind === "none" ? null : undefined;
      const value = toJson({ schema: SCHEMA, jobs: Object.fromEntries(entries) });
      if (await this.#put(value, expected)) return;
    }
  }

  /** What is wrong with the index, in words, one for each job and for itself. */
  async problems(): Promise<readonly string[]> {
    const state = await this.read();
    const problems: string[] = [];
    if (state.kind === "damaged") problems.push("it cannot be read");
    if (state.kind === "foreign") problems.push("it was written by a later version");
    const jobs: Jobs = state.kind === "there" ? state.jobs : new Map();
    const left = new Set(jobs.keys());
    for await (const job of this.#manifests()) {
      left.delete(job.job_id);
      if (state.kind !== "there" && state.kind !== "none") continue;
      const known = jobs.get(job.job_id);
      if (known === undefined) problems.push(`job "${job.job_id}" is missing`);
      else if (JSON.stringify(known) !== JSON.stringify(entryOf(job)))
        problems.push(`job "${job.job_id}" is out of date`);
    }
    for (const id of left) problems.push(`job "${id}" has no manifest that can be read`);
    return problems;
  }

  async read(): Promise<IndexState> {
    let found: { readonly value: Json; readonly revision: string } | undefined;
    try {
      found = await this.#store.documents.get(INDEX_KEY);
    } catch (error) {
      if (error instanceof StoreDamagedError) return { kind: "damaged" };
      throw error;
    }
    if (found === undefined) return { kind: "none" };
    const parsed = indexSchema.safeParse(found.value);
    const jobs = parsed.success ? entriesOf(parsed.data.jobs) : undefined;
    if (jobs !== undefined) return { kind: "there", jobs, revision: found.revision };
    return {
      kind: /^"holdfast\/jobs-index\/v(?!1")\d+"$/.test(schemaOf(found.value)) ? "foreign" : "damaged",
    };
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

function entriesOf(jobs: object): Jobs | undefined {
  const entries = new Map<string, JobsIndexEntry>();
  for (const [id, value] of Object.entries(jobs)) {
    const parsed = entrySchema.safeParse(value);
    if (!parsed.success) return undefined;
    entries.set(id, parsed.data);
  }
  return entries;
}

function entryIn(text: string): JobsIndexEntry | "damaged" {
  try {
    return entrySchema.safeParse(JSON.parse(text)).data ?? "damaged";
  } catch {
    return "damaged";
  }
}

function entryOf({ description, status, current_phase, revision }: JobManifest): JobsIndexEntry {
  return { description, status, current_phase, revision };
}

function schemaOf(value: Json): string {
  return typeof value === "object" && value !== null && "schema" in value
    ? JSON.stringify(value["schema"])
    : "";
}
