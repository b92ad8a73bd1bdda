import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { anyEvent } from "../test/events.ts";
import { readStreamEvent, storedEventSchema, streamEventSchema } from "./index.ts";

const base = {
  event_id: "01M7Z0NH2WQN8YT1GBVA31WQQZ",
  timestamp: "2026-01-02T03:04:05.123456Z",
  turn_number: 3,
  simulation_id: "r",
};
const read = (line: object): unknown => readStreamEvent(JSON.stringify(line), "run");

describe("readStreamEvent()", () => {
  it("gives back what was emitted", () => {
    fc.assert(
      fc.property(anyEvent, (event) => {
        const line = JSON.parse(JSON.stringify({ ...base, ...event })) as object;
        assert.deepEqual(read(line), line);
      }),
    );
  });

  it("takes the kind's own fields from the top level, and null as absent", () => {
    const flat = {
      ...base,
      event_type: "STATE",
      agent_id: null,
      variable_name: "x",
      old_value: null,
      new_value: 2,
      scope: null,
    };
    const event = {
      ...base,
      event_type: "STATE",
      details: { variable_name: "x", old_value: null, new_value: 2 },
    };
    assert.deepEqual(read(flat), event);
    assert.equal(streamEventSchema.safeParse(read(flat)).success, true);
    const nulls = { ...flat, caused_by: null, description: null, details: null };
    assert.deepEqual(read(nulls), event);
    const system = { ...base, event_type: "SYSTEM", status: "retry", error_type: null, retry_count: 2 };
    assert.deepEqual(read(system), {
      ...base,
      event_type: "SYSTEM",
      details: { status: "retry", retry_count: 2 },
    });
  });

  it("keeps fields that it does not know, and a field of the kind that stands in both places", () => {
    const line = {
      ...base,
      event_type: "DETAIL",
      details: { calculation_type: "sum", intermediate_values: 1 },
      x: 1,
    };
    assert.deepEqual(read(line), line);
    const twice = { ...line, calculation_type: "other" };
    assert.deepEqual(read(twice), twice);
  });

  it("takes times with offsets and any number of fraction digits, as they are written", () => {
    for (const timestamp of [
      "2026-01-02T04:04:05+01:00",
      "2026-01-02T03:04:05.1Z",
      "2026-01-02T03:04:05.123456789-03:30",
    ]) {
      assert.deepEqual(read({ ...base, event_type: "SYSTEM", status: "ok", timestamp }), {
        ...base,
        timestamp,
        event_type: "SYSTEM",
        details: { status: "ok" },
      });
    }
  });

  it("keeps a field called __proto__", () => {
    const text = JSON.stringify({ ...base, event_type: "SYSTEM", details: { status: "ok" } });
    const line = `${text.slice(0, -2)},"__proto__":{"a":1}},"__proto__":{"b":2}}`;
    assert.deepEqual(readStreamEvent(line), JSON.parse(line));
  });

  it("says whose run it is where the line does not", () => {
    const { simulation_id, ...line } = { ...base, event_type: "SYSTEM", status: "ok" };
    assert.equal(readStreamEvent(JSON.stringify(line), "run")?.simulation_id, "run");
    assert.equal(simulation_id, "r");
  });

  it("leaves out what is not of its type", () => {
    const line = { ...base, event_type: "DETAIL", agent_id: 7, caused_by: "x", description: 5, details: 4 };
    assert.deepEqual(read(line), { ...base, event_type: "DETAIL", details: {} });
    assert.deepEqual(read({ ...line, caused_by: ["a", 1, null, "b"] }), {
      ...base,
      event_type: "DETAIL",
      caused_by: ["a", "b"],
      details: {},
    });
  });

  it.each([
    "",
    "null",
    "[]",
    '"x"',
    "{",
    '{"event_id":"a"}',
    ...["event_id", "timestamp", "turn_number", "event_type"]
      .flatMap((field) =>
        [undefined, null, "", -1, 1.5, {}, "2026-13-01T00:00:00Z"].map((value) =>
          JSON.stringify({ ...base, event_type: "SYSTEM", status: "ok", [field]: value }),
        ),
      )
      .filter((text) => !text.includes('"event_id":"2026')),
  ])("is undefined for %s", (text) => {
    assert.equal(readStreamEvent(text), undefined);
  });

  it("gives what storedEventSchema describes, whatever a line holds", () => {
    const fields = fc.dictionary(
      fc.constantFrom(
        "agent_id",
        "caused_by",
        "description",
        "details",
        "status",
        "scope",
        "old_value",
        "__proto__",
        "x",
      ),
      fc.jsonValue({ maxDepth: 2 }),
    );
    fc.assert(
      fc.property(fields, fc.constantFrom("MILESTONE", "DECISION", "STATE", "SYSTEM"), (more, event_type) => {
        const event = readStreamEvent(JSON.stringify({ ...base, event_type, ...more }));
        assert.ok(event !== undefined);
        assert.equal(storedEventSchema.safeParse(event).success, true);
      }),
    );
  });
});
