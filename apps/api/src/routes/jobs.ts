import {
  type JobManifest,
  jobIdSchema,
  jobManifestSchema,
  jobStatusSchema,
  jobStore,
} from "@holdfast/task-store";
import * as z from "zod";
import { jsonReply } from "../reply.ts";
import { defineRoute } from "../route.ts";
import { jobExample } from "./examples.ts";
import { unknown } from "./find-run.ts";
import { limitSchema, nextCursorSchema, pathIdSchema } from "./parameters.ts";

const list = defineRoute({
  path: "/jobs",
  operationId: "listJobs",
  tag: "records",
  summary: "Jobs",
  description: "The manifests of jobs, by id.",
  query: z.object({
    status: jobStatusSchema.describe("Only jobs of this status").optional(),
    limit: limitSchema(1_000, 100),
    cursor: jobIdSchema.describe("The next_cursor of the page before").optional(),
  }),
  answer: {
    description: "A page of jobs",
    schema: z.object({
      jobs: z.array(jobManifestSchema),
      has_more: z.boolean(),
      next_cursor: nextCursorSchema,
      damaged: z
        .array(z.object({ job_id: z.string(), code: z.string() }))
        .describe("Jobs whose manifest cannot be read"),
    }),
    example: { jobs: [jobExample], has_more: false, next_cursor: null, damaged: [] },
  },
  problems: [],
  async handle({ store, query: { status, limit, cursor } }) {
    const jobs: JobManifest[] = [];
    const damaged: Array<{ job_id: string; code: string }> = [];
    const options = {
      ...(status === undefined ? {} : { status }),
      onDamaged: (job_id: string, { code }: { readonly code: string }) => damaged.push({ job_id, code }),
    };
    let hasMore = false;
    for await (const job of jobStore(store).list(options)) {
      if (cursor !== undefined && job.job_id <= cursor) continue;
      hasMore = jobs.length === limit;
      if (hasMore) break;
      jobs.push(job);
    }
    const next_cursor = hasMore ? (jobs.at(-1)?.job_id ?? null) : null;
    return jsonReply({ jobs, has_more: hasMore, next_cursor, damaged });
  },
});

const one = defineRoute({
  path: "/jobs/{job_id}",
  operationId: "getJob",
  tag: "records",
  summary: "A job",
  description: "The manifest of one job: where it stands, and how it came there.",
  params: z.object({ job_id: pathIdSchema }),
  answer: { description: "The manifest", schema: jobManifestSchema, example: jobExample },
  problems: ["NOT_FOUND", "RECORD_DAMAGED", "RECORD_NEWER_FORMAT"],
  async handle({ store, params: { job_id } }) {
    const job = jobIdSchema.safeParse(job_id).success ? await jobStore(store).load(job_id) : undefined;
    if (job === undefined) throw unknown("job", job_id);
    return jsonReply(job);
  },
});

/** Tasks that people steer. */
export const jobRoutes = [list, one];
