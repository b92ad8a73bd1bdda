import * as fc from "fast-check";
import type { EventInput } from "../src/index.ts";

/** A small event that every level above DECISION keeps. */
export function action(turn: number, more: Partial<EventInput> = {}): EventInput {
  return {
    event_type: "ACTION",
    turn_number: turn,
    agent_id: "a",
    details: { action_type: "move", action_payload: { turn } },
    ...more,
  } as EventInput;
}

const text = fc.oneof(
  fc.constantFrom("a", "b", "grow"),
  fc.string({ minLength: 1, maxLength: 12, unit: "binary" }),
);
const json = fc.jsonValue({ maxDepth: 2 });

const common = {
  turn_number: fc.nat({ max: 40 }),
  caused_by: fc.option(fc.array(text, { maxLength: 3 }), { nil: undefined }),
  description: fc.option(fc.string({ maxLength: 500 }), { nil: undefined }),
};

function kind(
  event_type: EventInput["event_type"],
  agent: fc.Arbitrary<string | undefined>,
  details: Record<string, fc.Arbitrary<unknown>>,
  requiredKeys: never[] | string[],
): fc.Arbitrary<EventInput> {
  return fc.record({
    event_type: fc.constant(event_type),
    ...common,
    agent_id: agent,
    details: fc.record<Record<string, unknown>>({ ...details, more: json }, { requiredKeys }),
  }) as fc.Arbitrary<unknown> as fc.Arbitrary<EventInput>;
}

const nobody = fc.constant(undefined);
const anybody = fc.option(text, { nil: undefined });

/** Events of all kinds that may be emitted. */
export const anyEvent: fc.Arbitrary<EventInput> = fc
  .oneof(
    kind("MILESTONE", nobody, { milestone_type: fc.constantFrom("turn_start", "simulation_end") }, [
      "milestone_type",
    ]),
    kind("DECISION", text, { decision_type: text, old_value: json, new_value: json }, ["decision_type"]),
    kind("ACTION", text, { action_type: text, action_payload: json }, ["action_type", "action_payload"]),
    kind(
      "STATE",
      text,
      { variable_name: text, old_value: json, new_value: json, scope: fc.constant("agent") },
      ["variable_name", "old_value", "new_value", "scope"],
    ),
    kind(
      "STATE",
      anybody,
      { variable_name: text, old_value: json, new_value: json, scope: fc.constant("global") },
      ["variable_name", "old_value", "new_value"],
    ),
    kind("DETAIL", anybody, { calculation_type: text, intermediate_values: json }, [
      "calculation_type",
      "intermediate_values",
    ]),
    kind(
      "SYSTEM",
      nobody,
      { status: fc.constantFrom("ok", "dropped"), error_type: text, retry_count: fc.nat() },
      ["status"],
    ),
  )
  .map((event) => JSON.parse(JSON.stringify(event)) as EventInput);

/** Events that were spoiled in one place, or not at all. */
export const anyGiven: fc.Arbitrary<unknown> = fc
  .tuple(
    anyEvent,
    fc.constantFrom(
      "event_type",
      "turn_number",
      "agent_id",
      "caused_by",
      "description",
      "details",
      "details.milestone_type",
      "details.decision_type",
      "details.action_type",
      "details.action_payload",
      "details.variable_name",
      "details.old_value",
      "details.new_value",
      "details.scope",
      "details.calculation_type",
      "details.intermediate_values",
      "details.status",
      "details.error_type",
      "details.retry_count",
      "event_id",
      "simulation_id",
      "unknown",
    ),
    fc.oneof(
      fc.constantFrom<unknown>(
        undefined,
        null,
        "",
        "x",
        "y".repeat(256),
        "y".repeat(257),
        "z".repeat(500),
        "z".repeat(501),
      ),
      fc.constantFrom<unknown>(
        "😀".repeat(500),
        "😀".repeat(501),
        [],
        [""],
        ["a", 1],
        {},
        true,
        "agent",
        "global",
        "STATE",
      ),
      fc.constantFrom<unknown>(
        0,
        -0,
        -1,
        1.5,
        2 ** 53,
        2 ** 53 - 1,
        "01M7Z0NH2WQN8YT1GBVA31WQQZ",
        "01m7z0nh2wqn8yt1gbva31wqqz",
      ),
      json,
    ),
  )
  .map(([event, path, value]) => {
    const spoiled = { ...event, details: { ...event.details } } as Record<string, unknown>;
    const [head = "", field] = path.split(".");
    const target = field === undefined ? spoiled : (spoiled["details"] as Record<string, unknown>);
    target[field ?? head] = value;
    return spoiled;
  });
