import { artifactSchema, snapshotIdSchema } from "@holdfast/ledger";
import { timestampSchema } from "@holdfast/storage";
import * as z from "zod";

/** Id of a task, where it becomes a part of a key: no separators, no control characters, not `.` or `..`. */
export const taskIdSchema = z
  .string()
  .min(1)
  .max(200)
  // oxlint-disable-next-line no-control-regex -- these are what is refused
  .regex(/^(?!\.{1,2}$)[^/\\\u0000-\u001f\u007f]+$/, "must be an id without slashes and control characters")
  .describe("Id of the task");

/** The proof that a step was done: its key, its messages, the checksums of what it produced. */
export const receiptSchema = z.looseObject({
  schema: z.literal("holdfast/receipt/v1").default("holdfast/receipt/v1"),
  task_id: taskIdSchema,
  step: z.int().min(1).describe("Place in the run, from 1"),
  action: z.string().min(1).max(256).describe("Action of the command"),
  idempotency_key: z.string().min(16).max(256).describe("Key of the command"),
  snapshot_id: snapshotIdSchema.describe("Workspace the command was made for"),
  command_message_id: z.string().min(1).max(256).describe("Id of the command's message"),
  correlation_id: z.string().min(1).max(256).describe("Correlation id of the command"),
  artifacts: z.array(artifactSchema).describe("Files the step produced, from its events"),
  events: z.array(z.string().min(1).max(256)).describe("Ids of the events' messages"),
  created_at: timestampSchema.describe("When the receipt was written, RFC 3339"),
  task_title: z.string().optional().describe("Title of the task, for people"),
  instruction: z.string().optional().describe("What was asked, for people"),
  approved_plan: z.unknown().optional().describe("The plan that was approved, as the agent gave it"),
  clarifications: z.unknown().optional().describe("Questions and answers, as the agent gave them"),
  conflict_resolutions: z.unknown().optional().describe("How conflicts were settled, as the agent gave it"),
});
/** The proof that a step was done, as it is read. */
export type Receipt = z.output<typeof receiptSchema>;
/** A receipt as a writer may give it: `schema` may be left out. */
export type ReceiptInput = z.input<typeof receiptSchema>;
