import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "vitest";
import { Place } from "./support/command.ts";
import { completed, paidCalls, writeSimulation } from "./support/simulation.ts";

const SHAPE = { maxTurns: 12, interval: 4 };

function filesOf(place: Place, run: string): string[] {
  return ["run.json", "result.json", "checkpoints/last.json", "checkpoints/turn_4.json", "events.jsonl"].map(
    (name) => readFileSync(join(place.store, "runs", run, name), "utf8"),
  );
}

describe("replay --verify", { timeout: 120_000 }, () => {
  it("agrees with every checkpoint, pays nothing and changes nothing; also from a turn", () => {
    using place = new Place("replay");
    writeSimulation(place.dir, SHAPE);
    const run = completed(place);
    const before = filesOf(place, run);
    const paid = paidCalls(place).length;
    const all = place.holdfast(["replay", run, "--verify"]);
    assert.equal(all.status, 0, all.stderr + all.stdout);
    assert.match(all.stdout, /agree/);
    const part = place.holdfast(["replay", run, "--verify", "--from", "8", "--json"]);
    assert.equal(part.status, 0, part.stderr + part.stdout);
    assert.ok(JSON.parse(part.stdout).checkpoints_compared.length === 1);
    assert.equal(place.holdfast(["replay", run, "--from", "7"]).status, 3);
    assert.deepEqual(filesOf(place, run), before);
    assert.equal(paidCalls(place).length, paid);
    assert.deepEqual(place.runs(), [run]);
  });

  it("finds an engine that was changed: the first turn and path that differ, with both values", () => {
    using place = new Place("changed");
    writeSimulation(place.dir, SHAPE);
    const run = completed(place);
    writeFileSync(place.path("engine.mjs"), place.read("engine.mjs").replace("int(-50, 60)", "int(-50, 61)"));
    const found = place.holdfast(["replay", run, "--verify"]);
    assert.equal(found.status, 1, found.stdout);
    assert.match(found.stdout, /turn 4\b.*\/wealth/is);
    const { difference } = JSON.parse(place.holdfast(["replay", run, "--json"]).stdout);
    assert.equal(difference.turn, 4);
    assert.equal(difference.path, "/wealth");
    assert.notEqual(difference.expected, difference.actual);
  });

  it("finds an engine that reads the clock, and one that takes chance from elsewhere", () => {
    for (const source of ["Date.now()", "Math.random()"]) {
      using place = new Place("clock");
      writeSimulation(place.dir, {
        ...SHAPE,
        engine: `export default { init: () => ({ a: 1, marks: [] }), step: (state, ctx) => ({ ...state, a: ctx.random(), marks: [...state.marks, ${source}] }) };\n`,
      });
      const run = completed(place);
      const found = place.holdfast(["replay", run, "--verify", "--json"]);
      assert.equal(found.status, 1, source);
      const { difference } = JSON.parse(found.stdout);
      assert.equal(difference.turn, 4, source);
      assert.match(difference.path, /^\/marks\/0/, source);
    }
  });

  it("says that a recorded result is missing, and never calls the work", () => {
    using place = new Place("records");
    writeSimulation(place.dir, SHAPE);
    const run = completed(place);
    const paid = paidCalls(place).length;
    rmSync(join(place.store, "idempotency"), { recursive: true });
    const found = place.holdfast(["replay", run, "--verify"]);
    assert.equal(found.status, 1, found.stdout);
    assert.match(found.stdout, /price/);
    assert.equal(paidCalls(place).length, paid);
  });
});
