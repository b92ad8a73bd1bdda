import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, it } from "vitest";
import { Place } from "./support/command.ts";
import { writeScriptedWorkflow } from "./support/scripted-workflow.ts";
import { paidCalls, slowly, writeSimulation } from "./support/simulation.ts";

describe("an effect that was begun when its process was killed", { timeout: 120_000 }, () => {
  it("in a turn of a simulation is in doubt for status and verify, is asked again once, and then is not", async () => {
    using place = new Place("doubt-turn");
    writeSimulation(place.dir, { maxTurns: 2 });
    const { child, ended } = place.start(["run", "simulation.yaml", "--quiet"], { env: slowly(0, 60_000) });
    // The file is there a moment before its first line is.
    while (!paidCalls(place).includes("1 price")) await sleep(10);
    child.kill("SIGKILL");
    await ended;
    const run = place.run();
    assert.match(
      place.holdfast(["status", run]).stdout,
      new RegExp(`in doubt: ${run}/turn-1/price was begun at`),
    );
    const { in_doubt: inDoubt } = JSON.parse(place.holdfast(["status", run, "--json"]).stdout);
    assert.deepEqual(
      inDoubt.map(({ key }: { key: string }) => key),
      [`${run}/turn-1/price`],
    );
    const verified = place.holdfast(["verify"]);
    assert.equal(verified.status, 0, verified.stdout);
    assert.ok(verified.stdout.includes(`${run}/turn-1/price was begun at`), verified.stdout);
    assert.equal(place.holdfast(["resume", run, "--quiet"]).status, 0);
    assert.deepEqual(paidCalls(place), ["1 price", "1 price", "1 advice", "2 price", "2 advice"]);
    assert.doesNotMatch(place.holdfast(["status", run]).stdout, /in doubt/);
    assert.doesNotMatch(place.holdfast(["verify"]).stdout, /was begun at/);
  });

  it("in a step of a workflow is in doubt for status and verify, and goes on under the same key", async () => {
    using place = new Place("doubt-step");
    writeScriptedWorkflow(place.dir, { delayMs: 300 });
    const { child, ended } = place.start(["run", "workflow.yaml", "--quiet"]);
    while (!place.ledgerLines().some((line) => line.includes('"kind":"command"'))) await sleep(10);
    child.kill("SIGKILL");
    await ended;
    const run = place.run();
    assert.match(place.holdfast(["status", run]).stdout, /step 1 is in doubt: it was sent/);
    assert.match(place.holdfast(["verify"]).stdout, /ledger\.ndjson:\d+\n.*step 1 .* is in doubt/);
    const resumed = place.holdfast(["resume", run, "--quiet"]);
    assert.equal(resumed.status, 0, resumed.stderr);
    const keys = place
      .ledgerLines()
      .map((line): Record<string, unknown> => JSON.parse(line))
      .filter(({ action }) => action === "implement")
      .map(({ idempotency_key: key }) => key);
    assert.ok(keys.length >= 2);
    assert.equal(new Set(keys).size, 1);
    assert.doesNotMatch(place.holdfast(["status", run]).stdout, /in doubt/);
  });
});
