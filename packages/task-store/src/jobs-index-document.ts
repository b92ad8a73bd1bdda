import { type Json, type Store, StoreDamagedError } from "@holdfast/storage";
import * as z from "zod";
import { type JobManifest, jobStatusSchema } from "./job.ts";

/** Key of the index. */
export const INDEX_KEY = "jobs/jobs_index";
/** Name of its format. */
export const INDEX_SCHEMA = "holdfast/jobs-index/v1";

const entrySchema = z.looseObject({
  description: z.string(),
  status: jobStatusSchema,
  current_phase: z.string(),
  revision: z.int().min(1),
});
/** What the index says of a job. */
export type JobsIndexEntry = z.output<typeof entrySchema>;

const indexSchema = z.looseObject({
  schema: z.literal(INDEX_SCHEMA).default(INDEX_SCHEMA),
  // Not a record: that would lose an entry called `__proto__`, which is an id too.
  jobs: z.custom<object>((value) => typeof value === "object" && value !== null && !Array.isArray(value)),
});

type Jobs = ReadonlyMap<string, JobsIndexEntry>;

/** The index as it stands: its jobs; or that there is none, that it is damaged, or that a later version wrote it. */
export type IndexState =
  | { readonly kind: "there"; readonly jobs: Jobs; readonly revision: string }
  | { readonly kind: "none" | "damaged" | "foreign" };

/** Reads the index whole. */
export async function readJobsIndex(store: Store): Promise<IndexState> {
  let found: { readonly value: Json; readonly revision: string } | undefined;
  try {
    found = await store.documents.get(INDEX_KEY);
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

/** What the index has to say of a job. */
export function entryOf({ description, status, current_phase, revision }: JobManifest): JobsIndexEntry {
  return { description, status, current_phase, revision };
}

/** An entry from its text in the index. */
export function entryIn(text: string): JobsIndexEntry | "damaged" {
  try {
    return entrySchema.safeParse(JSON.parse(text)).data ?? "damaged";
  } catch {
    return "damaged";
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

function schemaOf(value: Json): string {
  return typeof value === "object" && value !== null && "schema" in value
    ? JSON.stringify(value["schema"])
    : "";
}
