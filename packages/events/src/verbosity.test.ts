import assert from "node:assert/strict";
import { describe, it } from "vitest";
import { EVENT_TYPES, type EventType, shouldLog, VERBOSITY_LEVELS, type VerbosityLevel } from "./index.ts";

describe("shouldLog()", () => {
  it.each([
    ["MILESTONE", "MILESTONE SYSTEM"],
    ["DECISION", "MILESTONE DECISION SYSTEM"],
    ["ACTION", "MILESTONE DECISION ACTION SYSTEM"],
    ["STATE", "MILESTONE DECISION ACTION STATE SYSTEM"],
    ["DETAIL", "MILESTONE DECISION ACTION STATE DETAIL SYSTEM"],
  ] as const)("keeps at %s: %s", (level, kept) => {
    assert.equal(EVENT_TYPES.filter((type) => shouldLog(type, level)).join(" "), kept);
  });

  it("knows no other types and levels", () => {
    assert.deepEqual(VERBOSITY_LEVELS.length, 5);
    assert.throws(() => shouldLog("SYSTEM", "SYSTEM" as VerbosityLevel), RangeError);
    assert.throws(() => shouldLog("LUNCH" as EventType, "DETAIL"), RangeError);
  });
});
