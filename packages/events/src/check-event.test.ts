import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { anyEvent, anyGiven } from "../test/events.ts";
import { problemOf } from "./check-event.ts";
import { streamEventSchema } from "./index.ts";

const filled = {
  event_id: "01M7Z0NH2WQN8YT1GBVA31WQQZ",
  timestamp: "2026-01-02T03:04:05.123456Z",
  simulation_id: "r",
};

/** What the schema says about the line that the event would become. */
function isEvent(given: unknown): boolean {
  const defined = Object.entries(given as object)
    .filter(([, value]) => value !== undefined)
    .map(([field, value]) => [
      field,
      Array.isArray(value) && field === "caused_by" ? value.filter((id) => id !== undefined) : value,
    ]);
  const line: unknown = JSON.parse(JSON.stringify({ ...filled, ...(Object.fromEntries(defined) as object) }));
  return streamEventSchema.safeParse(line).success;
}

describe("problemOf()", () => {
  it("takes what may be emitted", () => {
    fc.assert(
      fc.property(anyEvent, (event) => {
        assert.equal(problemOf({ ...event }), undefined);
        assert.ok(isEvent(event));
      }),
      { numRuns: 1_000 },
    );
  });

  it("refuses what the schema refuses, and nothing else", () => {
    let refused = 0;
    fc.assert(
      fc.property(anyGiven, (given) => {
        const problem = problemOf(given as Record<string, unknown>);
        if (problem !== undefined) refused += 1;
        assert.equal(problem === undefined, isEvent(given), JSON.stringify(problem));
      }),
      { numRuns: 10_000 },
    );
    assert.ok(refused > 1_000, `only ${refused} were refused`);
  });

  it("refuses what is no value in JSON", () => {
    const state = { event_type: "STATE", turn_number: 1, details: { variable_name: "x", old_value: 1 } };
    for (const value of [undefined, () => 1, Symbol("x")]) {
      const event = { ...state, details: { ...state.details, new_value: value } };
      assert.equal(problemOf(event)?.path, "details.new_value");
    }
    for (const details of [new Date(), [], null, "text", { toJSON: () => 1 }]) {
      assert.equal(problemOf({ ...state, details })?.path, "details");
    }
    assert.equal(problemOf({ ...state, toJSON: () => 1 })?.message, "must be an object");
  });
});
