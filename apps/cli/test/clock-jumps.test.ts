import assert from "node:assert/strict";
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
