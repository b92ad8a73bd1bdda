import { parseTimestamp } from "@holdfast/storage";
import * as z from "zod";
import { isRecord } from "./record.ts";
import { EVENT_TYPES, type EventType, eventTypeSchema } from "./verbosity.ts";

/**
 * An event as readers give it: whoever wrote it, it has these fields. What is special to its kind is in `details` as it was written;
 * `streamEventSchema` says whether it is as it should be, and `holdfast verify` where it is not.
 */
export const storedEventSchema = z.looseObject({
  event_id: z.string().min(1).describe("ULID"),
  timestamp: z.string().describe("When it happened, RFC 3339, as it was written"),
  turn_number: z.int().min(0).describe("Turn it happened in"),
  event_type: eventTypeSchema,
  simulation_id: z.string().describe("Run it belongs to"),
  agent_id: z.string().optional().describe("Whose event it is"),
  caused_by: z.array(z.string()).optional().describe("Ids of the events that led to it"),
  description: z.string().optional().describe("What happened, for people"),
  details: z.record(z.string(), z.unknown()).describe("What its kind says"),
});
/** An event as readers give it. */
export type StoredEvent = z.output<typeof storedEventSchema>;

/** The fields of each kind, which other programs also write at the top level; where an absent one may be written as null. */
const OWN_FIELDS: Readonly<
  Record<EventType, Readonly<Record<string, "null is a value" | "null is absent">>>
> = {
  MILESTONE: { milestone_type: "null is absent" },
  DECISION: {
    decision_type: "null is absent",
    old_value: "null is a value",
    new_value: "null is a value",
  },
  ACTION: { action_type: "null is absent", action_payload: "null is a value" },
  STATE: {
    variable_name: "null is absent",
    old_value: "null is a value",
    new_value: "null is a value",
    scope: "null is absent",
  },
  DETAIL: { calculation_type: "null is absent", intermediate_values: "null is a value" },
  SYSTEM: { error_type: "null is absent", status: "null is absent", retry_count: "null is absent" },
};

/**
 * Reads a line of a stream, whoever wrote it.
 *
 * An event has an id, a time, a turn (a whole number from 0) and one of the six types; everything else is taken as far as it is what it
 * should be. Fields of the kind at the top level go to `details`, unless `details` has them; null is absent, except where it is a value.
 *
 * @param runId - Taken where the line does not say whose it is.
 * @returns The event, or `undefined` for a line that is none.
 */
export function readStreamEvent(text: string, runId = ""): StoredEvent | undefined {
  const line = objectOf(text);
  if (line === undefined) return undefined;
  const { event_id, timestamp, turn_number, event_type, simulation_id, ...rest } = line;
  if (typeof event_id !== "string" || event_id === "" || !isMoment(timestamp)) return undefined;
  if (!Number.isSafeInteger(turn_number) || (turn_number as number) < 0) return undefined;
  if (!EVENT_TYPES.includes(event_type as EventType)) return undefined;
  const { agent_id, caused_by, description, details, ...others } = rest;
  const own = OWN_FIELDS[event_type as EventType];
  const given = isRecord(details) ? details : {};
  const isOwn = (field: string): boolean => Object.hasOwn(own, field) && !Object.hasOwn(given, field);
  const isAbsent = ([field, value]: readonly [string, unknown]): boolean =>
    value === null && Object.hasOwn(own, field) && own[field] === "null is absent";
  // From entries: a field may be called "__proto__".
  const fields = Object.entries(others);
  const ofKind = [...Object.entries(given), ...fields.filter(([field]) => isOwn(field))];
  const causes = Array.isArray(caused_by) ? caused_by.filter((id) => typeof id === "string") : undefined;
  return {
    event_id,
    timestamp,
    turn_number: turn_number as number,
    event_type: event_type as EventType,
    simulation_id: typeof simulation_id === "string" ? simulation_id : runId,
    ...(typeof agent_id === "string" && { agent_id }),
    ...(causes !== undefined && { caused_by: causes }),
    ...(typeof description === "string" && { description }),
    details: Object.fromEntries(ofKind.filter((entry) => !isAbsent(entry))),
    ...Object.fromEntries(fields.filter(([field]) => !isOwn(field))),
  };
}

function objectOf(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isMoment(value: unknown): value is string {
  if (typeof value !== "string") return false;
  try {
    parseTimestamp(value);
    return true;
  } catch {
    return false;
  }
}
