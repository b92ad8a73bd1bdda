import { EVENT_ID_PATTERN, fitsDescription } from "./stream-event.ts";
import { type EventType } from "./verbosity.ts";

const MAX_ID = 256;
const MILESTONES = ["turn_start", "turn_end", "phase_transition", "simulation_start", "simulation_end"];
const STATUSES = ["ok", "retry", "failed", "dropped"];

/** What is wrong with an event. */
export interface EventProblem {
  readonly path: string;
  readonly message: string;
}

interface Given {
  readonly [field: string]: unknown;
}

/**
 * Says what is wrong with an event that is to be emitted; `undefined` when nothing is. It asks for what `streamEventSchema`
 * asks for, by hand: the schema takes longer than everything else that is done with an event. That both agree is a property
 * test, so whoever changes one changes the other.
 */
export function problemOf(event: Given): EventProblem | undefined {
  if (!isPlain(event)) return problem("", "must be an object");
  if (!isTurn(event["turn_number"])) return problem("turn_number", "must be a whole number from 0");
  const { caused_by: causes, description, details } = event;
  if (causes !== undefined && !(Array.isArray(causes) && causes.every(isCause)))
    return problem("caused_by", "must be a list of event ids");
  if (description !== undefined && !(typeof description === "string" && fitsDescription(description)))
    return problem("description", "must be a text of at most 500 characters");
  if (!isPlain(details)) return problem("details", "must be an object");
  const agent = event["agent_id"];
  const type = event["event_type"] as EventType;
  if (type === "MILESTONE" || type === "SYSTEM") {
    if (agent !== undefined) return problem("agent_id", `must be absent from a ${type} event`);
  } else if (agent === undefined ? needsAgent(type, details) : !isId(agent)) {
    return problem("agent_id", "must be an id of 1 to 256 characters");
  }
  return problemOfDetails(type, details) ?? problemOfGiven(event);
}

function problemOfDetails(type: EventType, details: Given): EventProblem | undefined {
  switch (type) {
    case "MILESTONE":
      return MILESTONES.includes(details["milestone_type"] as string)
        ? undefined
        : problem("details.milestone_type", `must be one of ${MILESTONES.join(", ")}`);
    case "DECISION":
      return isId(details["decision_type"]) ? undefined : missingText("details.decision_type");
    case "ACTION":
      if (!isId(details["action_type"])) return missingText("details.action_type");
      return isValue(details["action_payload"]) ? undefined : missingValue("details.action_payload");
    case "STATE": {
      if (!isId(details["variable_name"])) return missingText("details.variable_name");
      if (!isValue(details["old_value"])) return missingValue("details.old_value");
      if (!isValue(details["new_value"])) return missingValue("details.new_value");
      const scope = details["scope"];
      return scope === undefined || scope === "global" || scope === "agent"
        ? undefined
        : problem("details.scope", "must be global or agent");
    }
    case "DETAIL":
      if (!isId(details["calculation_type"])) return missingText("details.calculation_type");
      return isValue(details["intermediate_values"])
        ? undefined
        : missingValue("details.intermediate_values");
    case "SYSTEM": {
      if (!STATUSES.includes(details["status"] as string))
        return problem("details.status", `must be one of ${STATUSES.join(", ")}`);
      const { error_type: error, retry_count: retries } = details;
      if (error !== undefined && !isId(error)) return missingText("details.error_type");
      return retries === undefined || isTurn(retries)
        ? undefined
        : problem("details.retry_count", "must be a whole number from 0");
    }
    default:
      return problem("event_type", "must be MILESTONE, DECISION, ACTION, STATE, DETAIL or SYSTEM");
  }
}

/** A builder fills these in; a stream does where they are not given. The time is checked where it is read. */
function problemOfGiven(event: Given): EventProblem | undefined {
  const { event_id: id, simulation_id: simulation } = event;
  if (id !== undefined && !(typeof id === "string" && EVENT_ID_PATTERN.test(id)))
    return problem("event_id", "must be a ULID of 26 characters");
  return simulation === undefined || isId(simulation) ? undefined : missingText("simulation_id");
}

function needsAgent(type: EventType, details: Given): boolean {
  return type === "DECISION" || type === "ACTION" || (type === "STATE" && details["scope"] === "agent");
}

function isTurn(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isId(value: unknown): boolean {
  return typeof value === "string" && value.length > 0 && value.length <= MAX_ID;
}

/** `emit()` gives `undefined` for an event that was not kept: it can be handed on as it is. */
function isCause(value: unknown): boolean {
  return value === undefined || isId(value);
}

/** Whether something is left of it in JSON. */
function isValue(value: unknown): boolean {
  return value !== undefined && typeof value !== "function" && typeof value !== "symbol";
}

function isPlain(value: unknown): value is Given {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    (value as Given)["toJSON"] === undefined
  );
}

function problem(path: string, message: string): EventProblem {
  return { path, message };
}

function missingText(path: string): EventProblem {
  return { path, message: "must be a text of 1 to 256 characters" };
}

function missingValue(path: string): EventProblem {
  return { path, message: "is missing; null is a value" };
}
