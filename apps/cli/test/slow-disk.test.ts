import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, it } from "vitest";
import { Place } from "./support/command.ts";
import { checkLedger } from "./support/invariants.ts";
import { writeScriptedWorkflow } from "./support/scripted-workflow.ts";
import { namesOf, readRun, writeSimulation } from "./support/simulation.ts";

const LONG = process.env["HOLDFAST_LONG"] !== undefined;
/** What every sync takes, in milliseconds. */
const SLOW_SYNC = LONG ? "500" : "40";
const SHAPE = { maxTurns: LONG ? 12 : 4, interval: 2 };

/** The first answer of a server that was started. */
async function urlOf({ child }: ReturnType<Place["start"]>): Promise<string> {
  let text = "";
  for await (const part of child.stdout ?? []) {
    text += String(part);
    const url = /http:\/\/\S+?\//.exec(text)?.[0];
    if (url !== undefined) return url;
  }
  throw new Error(`the server said ${text}`);
}

const stateOf = (at: Place, run: string): unknown => readRun(at, run, "checkpoints", "last.json").state;

// Nothing here blocks: all of them wait at the same time.
describe.concurrent("a disk of which every sync is slow", { timeout: 600_000 }, () => {
  it("keeps the lock of a simulation; a server beside it answers; the end is as on any disk", async () => {
    using place = new Place("slow-simulation");
    writeSimulation(place.dir, SHAPE);
    const server = place.start(["serve", "--port", "0"]);
    const url = await urlOf(server);
    const { child, ended } = place.start(["run", "simulation.yaml", "--quiet"], { faults: { SLOW_SYNC } });
    while (place.runs().length === 0 || !namesOf(place, place.run(), "checkpoints").includes("last.json"))
      await sleep(10);
    assert.equal(child.exitCode, null);
    const other = place.start(["resume", place.run()]);
    const asked = performance.now();
    assert.equal((await fetch(`${url}healthz`)).status, 200);
    assert.equal((await fetch(`${url}simulations/${place.run()}/events`)).status, 200);
    assert.ok(performance.now() - asked < 5_000, "the server waits for somebody else's disk");
    const refused = await other.ended;
    assert.equal(refused.status, 5, refused.stderr);
    assert.match(refused.stderr, new RegExp(`_HELD: .*process ${child.pid} on`));
    const { status, stderr } = await ended;
    assert.equal(status, 0, stderr);
    server.child.kill("SIGTERM");
    assert.equal((await server.ended).status, 0);
    using quick = new Place("quick-simulation");
    writeSimulation(quick.dir, SHAPE);
    const { stdout } = await quick.start(["run", "simulation.yaml", "--json"]).ended;
    const { run_id: whole }: { run_id: string } = JSON.parse(stdout);
    assert.deepEqual(stateOf(place, place.run()), stateOf(quick, whole));
    assert.equal((await place.start(["verify"]).ended).status, 0);
  });

  it("takes no agent for dead, and keeps every line of its ledger once", async () => {
    using place = new Place("slow-workflow");
    writeScriptedWorkflow(place.dir);
    const { ended } = place.start(["run", "workflow.yaml", "--quiet"], { faults: { SLOW_SYNC } });
    const { status, stdout, stderr } = await ended;
    assert.equal(status, 0, stdout + stderr);
    checkLedger([], place.ledgerLines());
    assert.ok(!place.ledgerLines().some((line) => line.includes('"code":"AGENT_')));
    assert.equal((await place.start(["verify"]).ended).status, 0);
  });
});
