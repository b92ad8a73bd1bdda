import * as z from "zod";

/** Names that become part of a key in the store. */
const SAFE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const EVENT_KEY = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*(\/[A-Za-z0-9_.-]+)?$/;
const ACTION = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/;
const SECONDS_PER_WEEK = 604_800;

const safeName = (what: string) =>
  z
    .string()
    .regex(
      SAFE_NAME,
      `must be a ${what} of 1 to 128 letters, digits, ".", "_" or "-", and start with a letter or digit`,
    );

const noNul = z.string().refine((text) => !text.includes("\0"), "must not contain NUL");
const seconds = z
  .number()
  .gt(0, "must be more than 0 seconds")
  .max(SECONDS_PER_WEEK, "must be at most 604800 seconds (a week)");

const backoffSchema = z.strictObject({
  initial_ms: z.number().min(0).max(3_600_000).default(1_000).describe("Wait before the first retry"),
  multiplier: z.number().min(1).max(100).default(2),
  max_ms: z.number().min(0).max(86_400_000).default(60_000),
  jitter: z.enum(["full", "none"]).default("full").describe("full: a random wait between 0 and the backoff"),
});

const policySchema = z.strictObject({
  message_max_bytes: z
    .int()
    .min(1_024)
    .max(262_144)
    .default(262_144)
    .describe("Longest message, in bytes with its newline"),
  artifact_max_bytes: z.int().min(0).default(1_073_741_824).describe("Largest artifact, in bytes"),
  retry: z
    .strictObject({
      max_attempts: z.int().min(1).max(100).default(3).describe("Attempts of a step, the first included"),
      backoff: backoffSchema.prefault({}),
    })
    .prefault({}),
  max_restarts: z.int().min(0).max(1_000).default(5).describe("Restarts of an agent in a run"),
  strict_version_pinning: z
    .boolean()
    .default(true)
    .describe("A step that only reads ends with version_mismatch when the workspace changed under it"),
  redact: z
    .array(
      z.string().regex(/^[A-Za-z0-9_*]+$/, 'must be the name of a variable, with "*" for any characters'),
    )
    .default(["*_TOKEN", "*_KEY", "*_SECRET"])
    .describe("Variables whose values are replaced in everything that is kept"),
  max_rounds: z
    .int()
    .min(1)
    .max(1_000)
    .default(10)
    .describe("Times a stage may be entered before the run fails"),
});

const agentSchema = z.strictObject({
  cmd: z
    .array(noNul)
    .min(1, "must name a program")
    .refine((cmd) => cmd[0] !== "", "must name a program")
    .describe("Program and arguments; started in the workspace"),
  heartbeat_interval_s: seconds
    .optional()
    .describe("Heartbeats are required at this interval; three missed end the agent"),
  timeouts_s: z
    .record(z.string().regex(ACTION), seconds)
    .default({})
    .describe("Longest time of an action; 3600 when not given"),
  env: z
    .record(
      z
        .string()
        .regex(
          /^[A-Za-z_][A-Za-z0-9_]*$/,
          'must be a name of letters, digits and "_" that does not start with a digit',
        ),
      noNul,
    )
    .default({})
    .describe("Variables added to the environment; ${NAME} takes one from it"),
});

const expectedOutputSchema = z.strictObject({
  path: noNul.min(1),
  description: z.string().optional(),
  required: z.boolean().default(true),
});

const taskSchema = z.strictObject({
  id: safeName("task id"),
  goal: z.string().min(1),
  inputs: z.record(z.string(), z.json()).default({}),
  expected_outputs: z.array(expectedOutputSchema).default([]),
});

const stageSchema = z.strictObject({
  agent: z.string().min(1),
  action: z
    .string()
    .regex(ACTION, 'must be a name of letters, digits, "_", "." or "-" that starts with a letter'),
  on: z
    .record(
      z
        .string()
        .regex(EVENT_KEY, 'must be an event, or an event and a status, such as "review.completed/approved"'),
      z.string().min(1),
    )
    .refine((on) => Object.keys(on).length > 0, "must name at least one event that ends the stage")
    .describe("Where each terminal event (or event/status) leads: a stage, done or failed"),
});

const flowSchema = z.strictObject({
  start: z.string().min(1),
  stages: z
    .record(safeName("stage name"), stageSchema)
    .refine((stages) => Object.keys(stages).length > 0, "must have at least one stage"),
});

/** What a workflow configuration may hold. The one source of its type and of `schemas/v1/workflow-config.json`. */
export const workflowConfigSchema = z
  .strictObject({
    schema: z.literal("holdfast/workflow-config/v1").optional(),
    kind: z.literal("workflow").default("workflow"),
    name: z
      .string()
      .min(1)
      .max(200)
      .regex(/^[^\p{Cc}]+$/u, "must not contain control characters"),
    workspace: noNul.min(1).default(".").describe("Folder the agents work in, relative to this file"),
    snapshot: z
      .strictObject({
        include: z.array(z.string().min(1)).min(1).optional(),
        exclude: z.array(z.string().min(1)).optional(),
      })
      .optional()
      .describe("What of the workspace is pinned; default specs, src, tests and docs"),
    policy: policySchema.prefault({}),
    agents: z
      .record(safeName("name"), agentSchema)
      .refine((agents) => Object.keys(agents).length > 0, "must have at least one agent"),
    tasks: z.array(taskSchema).min(1, "must have at least one task"),
    flow: flowSchema
      .optional()
      .describe("Replaces the default loop of implement, review and spec maintenance"),
  })
  .describe("A workflow of agents");

/** The same where only agents, workspace and policy are needed: a configuration of a job may have no tasks. */
export const agentsConfigSchema = workflowConfigSchema.extend({ tasks: z.array(taskSchema).default([]) });

/** A workflow configuration, its defaults filled in. As given by `loadWorkflowConfig`, `workspace` and program paths are absolute. */
export type WorkflowConfig = z.output<typeof workflowConfigSchema>;
/** One agent of a {@link WorkflowConfig}. */
export type AgentConfig = z.output<typeof agentSchema>;
/** One task of a {@link WorkflowConfig}. */
export type TaskConfig = z.output<typeof taskSchema>;
/** The `policy` of a {@link WorkflowConfig}. */
export type WorkflowPolicy = z.output<typeof policySchema>;
/** The `flow` of a {@link WorkflowConfig}. */
export type FlowConfig = z.output<typeof flowSchema>;
