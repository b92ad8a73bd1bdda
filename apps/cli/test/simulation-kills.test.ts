import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, it } from "vitest";
import { Place } from "./support/command.ts";
import {
  canonical,
  completed,
  namesOf,
  paidCalls,
  readRun,
  slowly,
  writeSimulation,
} from "./support/simulation.ts";

const LONG = process.env["HOLDFAST_LONG"] !== undefined;
const KILLS = LONG ? 100 : 4;
const SHAPE = { maxTurns: 12, interval: 4 };
const CHECKPOINTS = ["last.json", "turn_12.json", "turn_4.json", "turn_8.json"];

/** What an uninterrupted run ends with, turn by turn that is kept. */
function uninterrupted(): Map<string, string> {
  using place = new Place("uninterrupted");
  writeSimulation(place.dir, SHAPE);
  const run = completed(place);
  assert.equal(paidCalls(place).length, SHAPE.maxTurns * 2);
  return statesOf(place, run);
}

/** Of each kept turn: state and random generator, in canonical JSON. */
function statesOf(place: Place, run: string): Map<string, string> {
  return new Map(
    namesOf(place, run, "checkpoints").map((name) => {
      const { state, random } = readRun(place, run, "checkpoints", name);
      return [name, canonical({ state, random })];
    }),
  );
}

/** Calls that were paid more than once. */
function paidAgain(place: Place): string[] {
  const seen = new Set<string>();
  return paidCalls(place).filter((call) => {
    if (seen.has(call)) return true;
    seen.add(call);
    return false;
  });
}

/** What must hold after every kill and resume. */
function check(place: Place, run: string, expected: Map<string, string>, kills: number, label: string): void {
  assert.deepEqual(acknowledged(place), [run], `${label}: another run was made`);
  assert.equal(place.holdfast(["repair"]).status, 0, label);
  assert.deepEqual(namesOf(place, run, "checkpoints"), CHECKPOINTS, label);
  assert.deepEqual(statesOf(place, run), expected, `${label}: it ended otherwise`);
  const again = paidAgain(place);
  assert.ok(again.length <= kills, `${label}: paid again: ${again.join(", ")}`);
  assert.equal(readRun(place, run, "run.json").status, "completed", label);
  assert.equal(readRun(place, run, "result.json").final_state.turn, SHAPE.maxTurns, label);
  const replayed = place.holdfast(["replay", run, "--verify", "--json"]);
  assert.equal(replayed.status, 0, `${label}: ${replayed.stdout}${replayed.stderr}`);
  assert.equal(JSON.parse(replayed.stdout).checkpoints_compared.length, 3, label);
  assert.equal(paidCalls(place).length, SHAPE.maxTurns * 2 + again.length, `${label}: the replay paid`);
  const verified = place.holdfast(["verify"]);
  assert.equal(verified.status, 0, `${label}: ${verified.stdout}`);
}

/** The runs that have a state. A start that was killed before that leaves a folder at most, and was never told of. */
function acknowledged(place: Place): string[] {
  return place.runs().filter((run) => existsSync(join(place.store, "runs", run, "run.json")));
}

/** Resumes a killed run to its end; one that was killed before it was acknowledged is started anew. */
function goOn(place: Place, label: string): string {
  const [run] = acknowledged(place);
  if (run === undefined) return completed(place);
  const resumed = place.holdfast(["resume", run, "--quiet"]);
  assert.equal(resumed.status, 0, `${label}: ${resumed.stdout}${resumed.stderr}`);
  return run;
}

describe("a simulation that draws random numbers and pays for calls", { timeout: 1_800_000 }, () => {
  let expected: Map<string, string>;
  beforeAll(() => {
    expected = uninterrupted();
  });

  it(`killed at ${KILLS} random moments ends with the same state under the same run, and at most the call in flight is paid again`, async () => {
    for (let kill = 0; kill < KILLS; kill++) {
      const label = `kill ${kill}`;
      using place = new Place("sim-kill");
      writeSimulation(place.dir, SHAPE);
      const { child, ended } = place.start(["run", "simulation.yaml", "--quiet"], { env: slowly(20, 20) });
      // Spread over the length of a run; the exact moment is up to the machine.
      await sleep(120 + ((kill * 0.618033988749895) % 1) * 1_600);
      child.kill("SIGKILL");
      await ended;
      check(place, goOn(place, label), expected, 1, label);
    }
  });

  it("killed again and again in one run ends with the same state, and each kill costs one call at most", async () => {
    for (let round = 0; round < (LONG ? 10 : 1); round++) {
      using place = new Place("sim-kills");
      writeSimulation(place.dir, SHAPE);
      let kills = 0;
      for (let next = 0; next < 40; next++) {
        const [run] = acknowledged(place);
        if (run !== undefined && readRun(place, run, "run.json").status === "completed") break;
        const args = run === undefined ? ["run", "simulation.yaml"] : ["resume", run];
        const { child, ended } = place.start([...args, "--quiet"], { env: slowly(20, 30) });
        await sleep(250 + (((round + next) * 0.618033988749895) % 1) * 500);
        if (child.kill("SIGKILL")) kills++;
        await ended;
      }
      check(place, goOn(place, `round ${round}`), expected, kills, `round ${round}`);
    }
  });

  it("killed at any call that changes the store goes on to the same end", () => {
    using traced = new Place("sim-trace");
    writeSimulation(traced.dir, SHAPE);
    const trace = traced.path("trace.txt");
    assert.equal(
      traced.holdfast(["run", "simulation.yaml", "--quiet"], { faults: { TRACE: trace } }).status,
      0,
    );
    const points = traced.read("trace.txt").trimEnd().split("\n");
    assert.ok(points.length > 100, `only ${points.length} calls were seen`);
    const count = LONG ? points.length : 6;
    for (let sample = 0; sample < count; sample++) {
      const point = LONG ? sample + 1 : 1 + Math.floor(((sample * 0.618033988749895) % 1) * points.length);
      const when = sample % 2 === 0 ? "before" : "after";
      const label = `${when} ${points[point - 1]}`;
      using place = new Place("sim-point");
      writeSimulation(place.dir, SHAPE);
      const killed = place.holdfast(["run", "simulation.yaml", "--quiet"], {
        faults: { KILL_AT: `${point}:${when}` },
      });
      if (killed.signal === null) assert.equal(killed.status, 0, `${label}: ${killed.stderr}`);
      check(place, goOn(place, label), expected, 1, label);
    }
  });
});
