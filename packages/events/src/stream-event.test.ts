import assert from "node:assert/strict";
import { describe, it } from "vitest";
import { streamEventSchema } from "./index.ts";

const base = {
  event_id: "01M7Z0NH2WQN8YT1GBVA31WQQZ",
  timestamp: "2026-01-02T03:04:05.123456Z",
  turn_number: 3,
  simulation_id: "EconomicTest_2agents_20260102_030405_01",
};
const events = {
  MILESTONE: { ...base, event_type: "MILESTONE", details: { milestone_type: "turn_start" } },
  DECISION: { ...base, event_type: "DECISION", agent_id: "a", details: { decision_type: "buy" } },
  ACTION: {
    ...base,
    event_type: "ACTION",
    agent_id: "a",
    details: { action_type: "buy", action_payload: null },
  },
  STATE: { ...base, event_type: "STATE", details: { variable_name: "x", old_value: null, new_value: 2 } },
  DETAIL: {
    ...base,
    event_type: "DETAIL",
    details: { calculation_type: "sum", intermediate_values: [1, 2] },
  },
  SYSTEM: { ...base, event_type: "SYSTEM", details: { status: "retry" } },
} as const;

type Kind = keyof typeof events;

function failsAt(event: unknown): string | undefined {
  const parsed = streamEventSchema.safeParse(event);
  return parsed.success ? undefined : (parsed.error.issues[0]?.path.join(".") ?? "");
}

describe("streamEventSchema", () => {
  it.each(Object.keys(events) as Kind[])("takes the least %s, and keeps what it does not know", (kind) => {
    assert.deepEqual(streamEventSchema.parse(events[kind]), events[kind]);
    const more = { ...events[kind], tomorrow: [1], details: { ...events[kind].details, also: { x: 1 } } };
    assert.deepEqual(streamEventSchema.parse(more), more);
  });

  it.each(Object.keys(events) as Kind[])("refuses a %s that lacks a field", (kind) => {
    const event = events[kind];
    for (const field of Object.keys(event)) {
      const less = Object.fromEntries(Object.entries(event).filter(([name]) => name !== field));
      assert.equal(failsAt(less), field);
    }
    for (const field of Object.keys(event.details)) {
      const less = Object.fromEntries(Object.entries(event.details).filter(([name]) => name !== field));
      assert.equal(failsAt({ ...event, details: less }), `details.${field}`);
    }
  });

  it("wants an agent where there must be one, and none where there must be none", () => {
    for (const kind of ["MILESTONE", "SYSTEM"] as const)
      assert.equal(failsAt({ ...events[kind], agent_id: "a" }), "agent_id");
    const details = { ...events.STATE.details, scope: "agent" };
    assert.equal(failsAt({ ...events.STATE, details }), "agent_id");
    assert.equal(failsAt({ ...events.STATE, details, agent_id: "a" }), undefined);
    assert.equal(failsAt({ ...events.STATE, details: { ...details, scope: "global" } }), undefined);
    assert.equal(failsAt({ ...events.DETAIL, agent_id: "a" }), undefined);
  });

  it.each([
    ["event_id", "01M7Z0NH2WQN8YT1GBVA31WQQ"],
    ["event_id", "81M7Z0NH2WQN8YT1GBVA31WQQZ"],
    ["event_id", "01M7Z0NH2WQN8YT1GBVA31WQQU"],
    ["timestamp", "2026-01-02 03:04"],
    ["timestamp", "2026-02-30T03:04:05Z"],
    ["turn_number", -1],
    ["turn_number", 1.5],
    ["turn_number", "1"],
    ["event_type", "OTHER"],
    ["simulation_id", ""],
    ["caused_by", "01M7Z0NH2WQN8YT1GBVA31WQQZ"],
    ["description", "x".repeat(501)],
    ["details", null],
    ["details", []],
  ])("refuses %s %j", (field, value) => {
    assert.ok(failsAt({ ...events.DETAIL, [field]: value })?.startsWith(field));
  });

  it("counts the characters of a description as people do", () => {
    assert.equal(failsAt({ ...events.DETAIL, description: "😀".repeat(500) }), undefined);
    assert.equal(failsAt({ ...events.DETAIL, description: "😀".repeat(501) }), "description");
  });

  it.each([
    ["MILESTONE", { milestone_type: "lunch" }],
    ["STATE", { variable_name: "x", old_value: 1, new_value: 2, scope: "planet" }],
    ["SYSTEM", { status: "fine" }],
    ["SYSTEM", { status: "ok", retry_count: -1 }],
  ] as const)("refuses a %s with %j", (kind, details) => {
    assert.ok(failsAt({ ...events[kind], details })?.startsWith("details."));
  });
});
