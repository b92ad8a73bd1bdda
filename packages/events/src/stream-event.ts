import { timestampSchema } from "@holdfast/storage";
import * as z from "zod";

const MAX_DESCRIPTION = 500;
const MAX_ID = 256;

/** Crockford's base 32 leaves out I, L, O and U; 26 digits of it are 130 bits, of which a ULID has 128. */
export const EVENT_ID_PATTERN = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** Whether a text is one of at most 500 characters (of Unicode, as JSON Schema counts them). */
export function fitsDescription(text: string): boolean {
  if (text.length <= MAX_DESCRIPTION) return true;
  return text.length <= 2 * MAX_DESCRIPTION && Array.from(text).length <= MAX_DESCRIPTION;
}

const textSchema = z.string().min(1).max(MAX_ID);
const anythingSchema = z.unknown().describe("Any JSON value");
const noAgentSchema = z.never().optional().describe("Must be absent");
const agentSchema = textSchema.describe("Whose event it is");

const base = {
  event_id: z
    .string()
    .regex(EVENT_ID_PATTERN, "must be a ULID of 26 characters")
    .describe("ULID, increasing within a process"),
  timestamp: timestampSchema.describe("When it happened, RFC 3339"),
  turn_number: z.int().min(0).describe("Turn it happened in; 0 is before the first"),
  simulation_id: textSchema.describe("Run it belongs to"),
  caused_by: z
    .array(textSchema)
    .optional()
    .describe("Ids of the events that led to this one; they may come later in the stream"),
  description: z
    .string()
    .refine(fitsDescription, `must have at most ${MAX_DESCRIPTION} characters`)
    .meta({ maxLength: MAX_DESCRIPTION })
    .describe("What happened, for people")
    .optional(),
};

/** Something a reader finds its way by: a turn or a phase began or ended. */
export const milestoneEventSchema = z.looseObject({
  ...base,
  event_type: z.literal("MILESTONE"),
  agent_id: noAgentSchema,
  details: z.looseObject({
    milestone_type: z.enum([
      "turn_start",
      "turn_end",
      "phase_transition",
      "simulation_start",
      "simulation_end",
    ]),
  }),
});

/** An agent decided something. */
export const decisionEventSchema = z.looseObject({
  ...base,
  event_type: z.literal("DECISION"),
  agent_id: agentSchema,
  details: z.looseObject({
    decision_type: textSchema,
    old_value: anythingSchema.optional(),
    new_value: anythingSchema.optional(),
  }),
});

/** An agent did something. */
export const actionEventSchema = z.looseObject({
  ...base,
  event_type: z.literal("ACTION"),
  agent_id: agentSchema,
  details: z.looseObject({ action_type: textSchema, action_payload: anythingSchema }),
});

/** A value changed. */
export const stateEventSchema = z
  .looseObject({
    ...base,
    event_type: z.literal("STATE"),
    agent_id: agentSchema.optional().describe("Whose event it is; required when the scope is agent"),
    details: z.looseObject({
      variable_name: textSchema,
      old_value: anythingSchema,
      new_value: anythingSchema,
      scope: z.enum(["global", "agent"]).optional().describe("Whose variable it is"),
    }),
  })
  .refine(({ agent_id, details }) => details.scope !== "agent" || agent_id !== undefined, {
    path: ["agent_id"],
    error: "is required when the scope is agent",
  })
  .meta({
    if: { properties: { details: { properties: { scope: { const: "agent" } }, required: ["scope"] } } },
    // oxlint-disable-next-line unicorn/no-thenable -- a word of JSON Schema
    then: { required: ["agent_id"] },
  });

/** How a value came about. */
export const detailEventSchema = z.looseObject({
  ...base,
  event_type: z.literal("DETAIL"),
  agent_id: agentSchema.optional(),
  details: z.looseObject({ calculation_type: textSchema, intermediate_values: anythingSchema }),
});

/** Something about the run itself: a retry, a failure, events that were dropped. */
export const systemEventSchema = z.looseObject({
  ...base,
  event_type: z.literal("SYSTEM"),
  agent_id: noAgentSchema,
  details: z.looseObject({
    status: z.enum(["ok", "retry", "failed", "dropped"]),
    error_type: textSchema.optional(),
    retry_count: z.int().min(0).optional(),
  }),
});

/** A record of the event stream, as it is written. Fields that are not named here are kept. */
export const streamEventSchema = z.discriminatedUnion("event_type", [
  milestoneEventSchema,
  decisionEventSchema,
  actionEventSchema,
  stateEventSchema,
  detailEventSchema,
  systemEventSchema,
]);

/** A turn or a phase began or ended. */
export type MilestoneEvent = z.output<typeof milestoneEventSchema>;
/** An agent decided something. */
export type DecisionEvent = z.output<typeof decisionEventSchema>;
/** An agent did something. */
export type ActionEvent = z.output<typeof actionEventSchema>;
/** A value changed. */
export type StateEvent = z.output<typeof stateEventSchema>;
/** How a value came about. */
export type DetailEvent = z.output<typeof detailEventSchema>;
/** Something about the run itself. */
export type SystemEvent = z.output<typeof systemEventSchema>;
/** A record of the event stream; `event_type` tells the six kinds apart. */
export type StreamEvent = z.output<typeof streamEventSchema>;
