import { timestampSchema } from "@holdfast/storage";
import * as z from "zod";

const text = z.string().nullish();
const record = z.looseObject({});

/** Whether a task is waiting, being worked on, or over. */
export const taskLifecycleSchema = z.enum(["queued", "active", "suspended", "concluded", "archived"]);
/** Whether a task is waiting, being worked on, or over. */
export type TaskLifecycle = z.output<typeof taskLifecycleSchema>;

/** How the work on a task stands. */
export const taskStatusSchema = z.enum([
  "pending",
  "in_progress",
  "running",
  "completed",
  "failed",
  "partial",
  "cancelled",
  "blocked",
]);
/** How the work on a task stands. */
export type TaskStatus = z.output<typeof taskStatusSchema>;

/** A task and what became of it. What a writer does not know may be left out or be null; further fields are kept, at every level. */
export const taskSchema = z.looseObject({
  schema: z.literal("holdfast/task/v1").optional(),
  task_id: z
    .string()
    .min(1)
    .max(1_024)
    .refine((id) => id.isWellFormed(), "must not hold half of a surrogate pair")
    .describe("task-{spec_id}-{8 hex}; what has another form belongs to the project default"),
  spec: z
    .looseObject({
      task_spec_id: z.string(),
      request: z.unknown().optional().describe("What is asked"),
      mode: text,
      priority: z.union([z.number(), z.string()]).nullish(),
      hints: z.unknown().optional(),
      files: z.unknown().optional(),
      overrides: z.unknown().optional(),
      metadata: z.unknown().optional(),
    })
    .describe("What is to be done"),
  lifecycle: taskLifecycleSchema,
  status: taskStatusSchema,
  pipeline_id: text,
  current_stage_id: text,
  current_output: z.unknown().optional(),
  stage_results: z
    .record(
      z.string(),
      z.looseObject({
        output: z.unknown().optional(),
        error: z.unknown().optional(),
        started_at: timestampSchema.nullish(),
        completed_at: timestampSchema.nullish(),
      }),
    )
    .nullish()
    .describe("What came of each stage"),
  routing_trace: z
    .array(
      z.looseObject({
        stage_id: text,
        decision: z.unknown().optional(),
        agent_id: text,
        timestamp: timestampSchema.nullish(),
      }),
    )
    .nullish()
    .describe("Where the task was sent, in order"),
  failure_signatures: z.unknown().optional(),
  context_fingerprint: z.unknown().optional(),
  parent_task_id: text,
  child_task_ids: z.array(z.string()).nullish(),
  lineage_type: text,
  lineage_metadata: record.nullish(),
  task_memory_ref: z.unknown().optional(),
  project_memory_ref: z.unknown().optional(),
  global_memory_ref: z.unknown().optional(),
  created_at: timestampSchema,
  updated_at: timestampSchema,
});
/** A task and what became of it, exactly as it was saved: nothing is filled in, nothing is left out. */
export type Task = z.input<typeof taskSchema>;

/** The fields of a task that are written first, so that they can be read without the rest. */
export const taskMetadataSchema = taskSchema.pick({
  task_id: true,
  status: true,
  pipeline_id: true,
  created_at: true,
  updated_at: true,
});
/** What a task is, without what is in it. */
export type TaskMetadata = z.input<typeof taskMetadataSchema>;
