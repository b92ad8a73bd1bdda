import { artifactSchema } from "@holdfast/ledger";
import { timestampSchema } from "@holdfast/storage";
import * as z from "zod";
import { runIdSchema } from "./run-state.ts";

// What ends like a file of a store, or is a device on some systems, is no name of a folder.
const ID =
  /^(?!(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$))(?!.*\.(?:json|json\.zst|ndjson|jsonl|txt|corrupt)$)(?!.*\.$)[a-z0-9_-][a-z0-9._-]*$/i;

/** Id of a job, where it becomes the name of a folder. */
export const jobIdSchema = z
  .string()
  .max(128)
  .regex(ID, "must be an id of letters, digits, dots, hyphens and underscores that can name a folder")
  .describe("Id of the job");

/** Where a job stands; `JOB_TRANSITIONS` says what may follow what. */
export const jobStatusSchema = z.enum([
  "DRAFT",
  "PENDING",
  "RUNNING",
  "PAUSED",
  "REVIEW_REQUIRED",
  "REVIEWING",
  "APPROVAL_REQUIRED",
  "INTERVENTION_REQUIRED",
  "SUSPENDED",
  "SUCCESS",
  "CANCELED",
]);
/** Where a job stands. */
export type JobStatus = z.output<typeof jobStatusSchema>;

/** What can happen to a job: what agents answer in capitals, what is done to it in small letters. */
export const jobActionSchema = z.enum([
  "activate",
  "start",
  "COMPLETED",
  "STUCK",
  "RETRY",
  "pause",
  "resume",
  "approve",
  "reject",
  "resubmit",
  "review",
  "terminate",
  "suspend",
  "cancel",
  "rerun",
]);
/** What can happen to a job. */
export type JobAction = z.output<typeof jobActionSchema>;

const nameSchema = z.string().min(1).max(256);
const amountSchema = z.number().min(0);

/** A part of a job, and who does it. */
export const jobPhaseSchema = z.looseObject({
  name: nameSchema.describe("Name of the phase"),
  active_agent: nameSchema.describe("Name of the agent that does it"),
});
/** A part of a job, and who does it. */
export type JobPhase = z.output<typeof jobPhaseSchema>;

/** One thing that happened to a job. */
export const jobHistoryEntrySchema = z.looseObject({
  timestamp: timestampSchema.describe("When it happened, RFC 3339"),
  phase: nameSchema.describe("Phase it happened in"),
  status: jobStatusSchema.describe("Where it led"),
  action: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .describe("What happened: an action of the table, or advance, recover, restep"),
  from: jobStatusSchema.optional().describe("Where the job stood before"),
  agent: nameSchema.optional().describe("Who did it: an agent or a person"),
  summary: z.string().optional().describe("What was done, for people"),
  cost: amountSchema.optional().describe("What it cost"),
  time_seconds: amountSchema.optional().describe("How long it took"),
  run_id: runIdSchema.optional().describe("Run that did the step"),
  evidence: z.array(artifactSchema).optional().describe("Files that show it"),
  taken_back: z.boolean().optional().describe("Whether the step was taken back, to be made again"),
});
/** One thing that happened to a job. */
export type JobHistoryEntry = z.output<typeof jobHistoryEntrySchema>;

/** A job: what is to be done, in which phases, where it stands, and how it came there. */
export const jobManifestSchema = z
  .looseObject({
    schema: z.literal("holdfast/job-manifest/v1").default("holdfast/job-manifest/v1"),
    job_id: jobIdSchema,
    description: z.string().describe("What is to be done"),
    status: jobStatusSchema,
    current_phase: nameSchema.describe("Name of the phase that is under way, or next"),
    phases: z
      .array(jobPhaseSchema)
      .min(1)
      .describe("In order; the last of several is the supervisor's, those before it the worker's"),
    metrics: z
      .looseObject({
        cumulative_cost: amountSchema.describe("Sum of the history's costs"),
        cumulative_time_seconds: amountSchema.describe("Sum of the history's times"),
      })
      .default(() => ({ cumulative_cost: 0, cumulative_time_seconds: 0 })),
    history: z.array(jobHistoryEntrySchema).default(() => []),
    revision: z.int().min(1).default(1).describe("Raised by one at each write"),
  })
  .superRefine(({ phases, current_phase }, context) => {
    const names = new Set<string>();
    for (const [index, { name }] of phases.entries()) {
      if (names.has(name)) {
        const message = `must be unique, and "${name}" is there twice`;
        context.addIssue({ code: "custom", path: ["phases", index, "name"], message });
      }
      names.add(name);
    }
    if (!names.has(current_phase)) {
      const message = `must be one of the phases: ${[...names].join(", ")}`;
      context.addIssue({ code: "custom", path: ["current_phase"], message });
    }
  });
/** A job, as it is read. */
export type JobManifest = z.output<typeof jobManifestSchema>;
