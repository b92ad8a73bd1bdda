import { readConfig, validateConfig } from "@holdfast/config";
import * as z from "zod";

const MAX_DELAY_MS = 86_400_000;
const delaySchema = z.number().min(0).max(MAX_DELAY_MS);

const scriptArtifactSchema = z.strictObject({
  path: z.string().min(1).describe("Path below the workspace"),
  content: z.string().optional().describe("Written for real, atomically; checksum and size are filled in"),
  sha256: z
    .string()
    .optional()
    .describe("Said as it is, also when it is wrong; taken from the file when absent"),
  size: z
    .int()
    .min(0)
    .optional()
    .describe("Said as it is, also when it is wrong; taken from the file when absent"),
});

const scriptEventSchema = z.strictObject({
  type: z.string().min(1).describe("Name of the event, such as builder.completed"),
  status: z.string().optional(),
  payload: z.record(z.string(), z.json()).optional(),
  artifacts: z.array(scriptArtifactSchema).optional(),
  delay_ms: delaySchema.optional().describe("Wait before this event"),
});

const scriptResponseSchema = z.strictObject({
  delay_ms: delaySchema.optional().describe("Wait before the first event"),
  events: z
    .array(scriptEventSchema)
    .default([])
    .describe("Sent in this order; the last one should be terminal"),
  error: z
    .union([z.boolean(), z.string(), z.record(z.string(), z.json())])
    .optional()
    .describe("Ends with an error event: true, its message, or its payload"),
  crash: z
    .strictObject({
      after_events: z.int().min(0).default(0).describe("Events sent before the process ends"),
      exit_code: z.int().min(0).max(255).default(1),
    })
    .optional(),
  hang: z.boolean().optional().describe("Never sends the last event; heartbeats go on"),
  garbage: z.string().optional().describe("A line that is no message, before the events"),
  oversized_bytes: z
    .int()
    .min(1)
    .max(1_073_741_824)
    .optional()
    .describe("A line of so many bytes, before the events"),
  duplicate: z.boolean().optional().describe("Each event is sent twice, with the same message id"),
  wrong_correlation: z.boolean().optional().describe("Each event is sent for another command first"),
});

/** What a mock agent does for each action. The one source of its type and of `schemas/v1/agent-script.json`. */
export const agentScriptSchema = z
  .strictObject({
    schema: z.literal("holdfast/agent-script/v1").optional(),
    responses: z
      .record(z.string(), z.union([scriptResponseSchema, z.array(scriptResponseSchema).min(1)]))
      .describe("By action: a response, or a list for the first, second, ... time; the last repeats"),
  })
  .describe("A script for a mock agent");

/** What a mock agent does for each action. */
export type AgentScript = z.output<typeof agentScriptSchema>;
/** The same as somebody writes it: what has a default may be left out. */
export type AgentScriptInput = z.input<typeof agentScriptSchema>;
/** What it does once for an action. */
export type ScriptResponse = z.output<typeof scriptResponseSchema>;
/** An event it sends. */
export type ScriptEvent = z.output<typeof scriptEventSchema>;
/** An artifact it names, and writes when its content is given. */
export type ScriptArtifact = z.output<typeof scriptArtifactSchema>;

/**
 * Reads an agent script, JSON or YAML.
 *
 * @param path - The file.
 * @throws {ConfigError} `CONFIG_MISSING`, `CONFIG_UNREADABLE`, `CONFIG_SYNTAX` (with line and column) or `CONFIG_INVALID` (also with the path in the document).
 */
export async function loadAgentScript(path: string): Promise<AgentScript> {
  const document = readConfig(path);
  validateConfig(document, exactSchema(document.value));
  return validateConfig(document, agentScriptSchema);
}

/** The schema without its choice between one response and a list, so that an issue names the place instead of both alternatives. */
function exactSchema(value: unknown): z.ZodType {
  const responses: unknown =
    typeof value === "object" && value !== null && "responses" in value ? value.responses : {};
  const shape: Record<string, z.ZodType> = {};
  if (typeof responses === "object" && responses !== null) {
    for (const [action, response] of Object.entries(responses)) {
      shape[action] = Array.isArray(response) ? z.array(scriptResponseSchema).min(1) : scriptResponseSchema;
    }
  }
  return agentScriptSchema.extend({ responses: z.strictObject(shape) });
}
