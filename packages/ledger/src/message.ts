import { CHECKSUM_PATTERN } from "@holdfast/checksum";
import { timestampSchema } from "@holdfast/storage";
import * as z from "zod";

const idSchema = z.string().min(1).max(256);

/**
 * An object whose contents are nobody's business here. It is handed on as it is: a copy would drop a key such as
 * `__proto__` without a word.
 */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the check is the type; zod's own way to say so has no JSON Schema
const objectSchema = z
  .unknown()
  .refine(
    (value) => typeof value === "object" && value !== null && !Array.isArray(value),
    "must be an object",
  )
  .meta({ type: "object" }) as unknown as z.ZodType<Record<string, unknown>, Record<string, unknown>>;

/** Id of a snapshot: `snap-` and 12 lowercase hex digits. */
export const snapshotIdSchema = z
  .string()
  .regex(/^snap-[0-9a-f]{12}$/, "must be a snapshot id such as snap-0123456789ab")
  .describe("Id of a snapshot: snap- and 12 lowercase hex digits");

/** A file that a step produced: where it is in the workspace, and what is in it. */
export const artifactSchema = z.looseObject({
  path: z.string().min(1).max(4096).describe("Path below the workspace, with forward slashes"),
  sha256: z
    .string()
    .regex(CHECKSUM_PATTERN)
    .describe("Checksum of the content: sha256: and 64 lowercase hex digits"),
  size: z.int().min(0).describe("Size in bytes"),
});
/** A file that a step produced. */
export type Artifact = z.output<typeof artifactSchema>;

/** A file that a command asks for. */
export const expectedOutputSchema = z.looseObject({
  path: z.string().min(1).max(4096).describe("Path below the workspace, with forward slashes"),
  description: z.string().optional().describe("What it should hold, for the agent"),
  required: z.boolean().default(true).describe("Whether its absence after the step is reported"),
});
/** A file that a command asks for. */
export type ExpectedOutput = z.output<typeof expectedOutputSchema>;

/** Who says something, or to whom it is said. */
export const agentSchema = z.looseObject({
  agent_type: idSchema.describe("Role of the agent, as in the workflow config"),
  agent_id: idSchema.optional().describe("One process of that role"),
});
/** Who says something, or to whom it is said. */
export type Agent = z.output<typeof agentSchema>;

/** What a command or an event refers to: the workspace by its content. */
export const versionSchema = z.looseObject({
  snapshot_id: snapshotIdSchema,
  specs_hash: z.string().optional().describe("Hash of the specifications alone, where the writer keeps one"),
  code_hash: z.string().optional().describe("Hash of the code alone, where the writer keeps one"),
});
/** What a command or an event refers to. */
export type Version = z.output<typeof versionSchema>;

/** What the orchestrator asks an agent to do. */
export const commandSchema = z.looseObject({
  kind: z.literal("command"),
  message_id: idSchema.describe("Id of this message, unique in the run"),
  correlation_id: idSchema.describe(
    "Shared by a command, its repetitions and everything said in answer to it",
  ),
  task_id: idSchema.describe("Task the step belongs to"),
  idempotency_key: z
    .string()
    .min(16)
    .max(256)
    .describe("The same work always has the same key: ik: and 64 hex digits"),
  to: agentSchema.describe("Who is asked"),
  action: z
    .string()
    .min(1)
    .max(256)
    .describe(
      "implement, implement_changes, review, update_spec, intake, task_discovery, or one a config adds",
    ),
  inputs: objectSchema.describe("What the agent needs to know"),
  expected_outputs: z.array(expectedOutputSchema).describe("Files the step should produce"),
  version: versionSchema.describe("Workspace the command was made for"),
  deadline: timestampSchema.describe("When the agent is given up, RFC 3339"),
  retry: z
    .looseObject({
      attempt: z.int().min(0).describe("0 for the first try"),
      max_attempts: z.int().min(1).describe("How many tries there are in all"),
    })
    .describe("Which try this is"),
  priority: z.int().min(0).describe("Lower is more urgent"),
});
/** What the orchestrator asks an agent to do. */
export type Command = z.output<typeof commandSchema>;

/** What an agent, or the orchestrator in its place, says has happened. */
export const eventSchema = z.looseObject({
  kind: z.literal("event"),
  message_id: idSchema.describe("Id of this message, unique in the run"),
  correlation_id: idSchema.describe("The correlation id of the command this answers"),
  task_id: idSchema.describe("Task the step belongs to"),
  from: agentSchema.describe("Who says it"),
  event: z.string().min(1).max(256).describe("What happened; a terminal event settles the command"),
  status: z.string().max(256).optional().describe("Outcome, such as success, approved, changes_requested"),
  payload: objectSchema.default(() => ({})).describe("What there is to say about it"),
  artifacts: z.array(artifactSchema).optional().describe("Files that were produced"),
  observed_version: versionSchema.optional().describe("Workspace the agent worked on"),
  occurred_at: timestampSchema.describe("When it happened, RFC 3339"),
});
/** What an agent says has happened. */
export type LedgerEvent = z.output<typeof eventSchema>;

/** A sign of life of an agent's process. */
export const heartbeatSchema = z.looseObject({
  kind: z.literal("heartbeat"),
  agent: agentSchema.extend({ agent_id: idSchema.describe("One process of that role") }),
  seq: z.int().min(0).describe("Raised by one by the agent; kept as agent_seq in a ledger line"),
  status: z.enum(["starting", "ready", "busy", "stopping", "backoff"]),
  pid: z.int().min(0).describe("Process id of the agent"),
  ppid: z.int().min(0).optional().describe("Process id of its parent"),
  uptime_s: z.number().min(0).describe("Seconds since the process started"),
  last_activity_at: timestampSchema.describe("When the agent last did something, RFC 3339"),
  stats: z
    .looseObject({
      cpu_pct: z.number().min(0).optional().describe("Share of one processor, in percent"),
      rss_bytes: z.int().min(0).optional().describe("Resident memory in bytes"),
    })
    .optional(),
  task_id: idSchema.optional().describe("Task the agent is busy with"),
});
/** A sign of life of an agent's process. */
export type Heartbeat = z.output<typeof heartbeatSchema>;

/** A remark, of the orchestrator or of an agent. */
export const logSchema = z.looseObject({
  kind: z.literal("log"),
  level: z.enum(["info", "warn", "error"]),
  message: z.string().describe("What is remarked, for people"),
  fields: objectSchema.optional().describe("The same for programs"),
  timestamp: timestampSchema.describe("When it was remarked, RFC 3339"),
});
/** A remark, of the orchestrator or of an agent. */
export type LogMessage = z.output<typeof logSchema>;

/** Any message, by its `kind`. Fields that a schema does not name are kept. */
export const messageSchema = z.discriminatedUnion("kind", [
  commandSchema,
  eventSchema,
  heartbeatSchema,
  logSchema,
]);
/** Any message, as it is read: defaults are filled in. */
export type Message = z.output<typeof messageSchema>;
/** A message as a writer may give it: what has a default may be left out. */
export type MessageInput = z.input<typeof messageSchema>;
