import assert from "node:assert/strict";
import { existsSync, utimesSync } from "node:fs";
import { describe, it } from "vitest";
import { Place } from "./support/command.ts";
import { checkLedger } from "./support/invariants.ts";
import { writeScriptedWorkflow } from "./support/scripted-workflow.ts";
import { canonical, completed, namesOf, readRun, writeSimulation } from "./support/simulation.ts";

const CLOCK = new URL("./support/jumping-clock.mjs", import.meta.url).href;
const jumping = (seed: number) => ({ NODE_OPTIONS: `--import ${CLOCK}`, HOLDFAST_TEST_CLOCK: String(seed) });

const stateOf = (at: Place, id: string): string =>
  canonical(readRun(at, id, "checkpoints", "last.json").state);

describe("a clock that jumps back and forward by days", { timeout: 120_000 }, () => {
  it("changes nothing of a simulation that is killed and resumed: order is by position, no rotated file is lost", () => {
    const shape = {
      maxTurns: 12,
      interval: 4,
      more: { verbosity: "DETAIL", events: { rotate_bytes: 1_024 } },
    };
    using still = new Place("still");
    writeSimulation(still.dir, shape);
    const wanted = completed(still);
    using place = new Place("jumps");
    writeSimulation(place.dir, shape);
    const first = place.holdfast(["run", "simulation.yaml", "--quiet"], {
      env: { ...jumping(1), TEST_STOP_AT: "6" },
    });
    assert.equal(first.signal, "SIGKILL", first.stderr);
    const run = place.run();
    const resumed = place.holdfast(["resume", run, "--quiet"], { env: jumping(2) });
    assert.equal(resumed.status, 0, resumed.stdout + resumed.stderr);
    assert.equal(stateOf(place, run), stateOf(still, wanted));
    const files = namesOf(place, run).filter((name) => /^events_.*\.jsonl$/.test(name));
    assert.ok(files.length > 2, "nothing was rotated");
    const events = [...files, "events.jsonl"]
      .flatMap((name) => place.read(".holdfast", "runs", run, name).split("\n").slice(0, -1))
      .map((line): { turn_number: number; event_id: string } => JSON.parse(line));
    const turns = events.map(({ turn_number: turn }) => turn);
    assert.deepEqual(
      turns,
      turns.toSorted((a, b) => a - b),
    );
    assert.deepEqual(new Set(turns), new Set(Array.from({ length: 13 }, (_, turn) => turn)));
    assert.equal(new Set(events.map(({ event_id: id }) => id)).size, events.length);
    const found = place.holdfast(["events", run, "--json", "--limit", "1000"]);
    assert.equal(found.stdout.trimEnd().split("\n").length, events.length, "a search gives all of them");
    assert.equal(place.holdfast(["verify"]).status, 0);
  });

  it("lets gc --older-than remove what is old, and nothing that is newer", () => {
    using place = new Place("jumps-gc");
    writeSimulation(place.dir, { maxTurns: 10, interval: 2 });
    const run = completed(place);
    const checkpoint = (turn: number): string =>
      place.path(".holdfast", "runs", run, "checkpoints", `turn_${turn}.json`);
    const then = Date.now() / 1_000 - 40 * 86_400;
    for (const turn of [2, 6]) utimesSync(checkpoint(turn), then, then);
    for (let seed = 5; seed < 8; seed += 1) {
      const { status, stderr } = place.holdfast(["gc", "--older-than", "20d"], { env: jumping(seed) });
      assert.equal(status, 0, stderr);
    }
    const left = [2, 4, 6, 8, 10].filter((turn) => existsSync(checkpoint(turn)));
    assert.deepEqual(left, [4, 8, 10]);
    assert.equal(place.holdfast(["verify"]).status, 0);
  });

  it("takes no step of a workflow for too slow, and its ledger stays a chain", () => {
    using place = new Place("jumps-workflow");
    writeScriptedWorkflow(place.dir);
    const { status, stdout, stderr } = place.holdfast(["run", "workflow.yaml", "--quiet"], {
      env: jumping(3),
    });
    assert.equal(status, 0, stdout + stderr);
    checkLedger([], place.ledgerLines());
    assert.ok(!place.ledgerLines().some((line) => line.includes('"code":"AGENT_')));
    assert.equal(place.holdfast(["verify"], { env: jumping(4) }).status, 0);
  });
});
