import { snapshotIdSchema } from "@holdfast/ledger";
import { timestampSchema } from "@holdfast/storage";
import * as z from "zod";
import { taskIdSchema } from "./receipt.ts";

const idSchema = z.string().min(1).max(256);

/** Id of a run, where it becomes a part of a key and of a path. */
export const runIdSchema = z
  .string()
  .max(200)
  .regex(/^[A-Za-z0-9_-][A-Za-z0-9._-]*$/, "must be an id of letters, digits, dots, hyphens and underscores")
  .describe("Id of the run");

/** What a run is of. */
export const runKindSchema = z.enum(["simulation", "workflow"]);
/** What a run is of. */
export type RunKind = z.output<typeof runKindSchema>;

/** Whether a run goes on, and how it ended; `RUN_TRANSITIONS` says what may follow what. */
export const runStatusSchema = z.enum(["running", "completed", "failed", "aborted"]);
/** Whether a run goes on, and how it ended. */
export type RunStatus = z.output<typeof runStatusSchema>;

/** Where a run stands. */
export const runStateSchema = z.looseObject({
  schema: z.literal("holdfast/run-state/v1").default("holdfast/run-state/v1"),
  run_id: runIdSchema,
  kind: runKindSchema,
  name: z.string().min(1).max(256).describe("Name from the config"),
  status: runStatusSchema,
  task_id: taskIdSchema.optional(),
  correlation_id: idSchema.optional().describe("Correlation id of the step that is under way"),
  snapshot_id: snapshotIdSchema.optional().describe("Workspace the step that is under way was made for"),
  current_stage: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .describe("intake, implement, review, spec_maintain, complete, or a stage of the config"),
  turn: z
    .int()
    .min(0)
    .optional()
    .describe(
      "A turn of a simulation that was made: the last one, unless it is running; then its last checkpoint says",
    ),
  started_at: timestampSchema.describe("When the run was made, RFC 3339"),
  updated_at: timestampSchema.describe("When this state was written, RFC 3339"),
  completed_at: timestampSchema.optional().describe("When the run ended, RFC 3339"),
  last_command_id: idSchema.optional().describe("Message id of the last command in the ledger"),
  last_event_id: idSchema.optional().describe("Message id of the last event in the ledger"),
  terminal_events: z
    .record(z.string(), idSchema)
    .default(() => ({}))
    .describe("Message id of the last terminal event, by agent type"),
  config_snapshot: z.unknown().describe("The config the run was started with"),
  parent: z
    .looseObject({
      run_id: runIdSchema,
      turn: z.int().min(0).describe("Checkpoint this run was forked from"),
    })
    .optional()
    .describe("Where a forked run came from"),
  attempts: z.int().min(1).default(1).describe("How many times the run was started or resumed"),
  error: z
    .looseObject({ code: z.string().min(1), message: z.string() })
    .optional()
    .describe("Why the run did not complete"),
  revision: z.int().min(1).default(1).describe("Raised by one at each write"),
});
/** Where a run stands, as it is read. */
export type RunState = z.output<typeof runStateSchema>;
