import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "vitest";
import { Place } from "./support/command.ts";
import {
  canonical,
  completed,
  FORMATS_CONFIG,
  namesOf,
  readRun,
  writeSimulation,
} from "./support/simulation.ts";

const CHECKPOINTS = ["last.json", "turn_10.json", "turn_15.json", "turn_5.json"];
const SLOW_CLOCK = new URL("./support/slow-clock.mjs", import.meta.url).href;
const SECOND = Date.UTC(2026, 0, 2, 3, 4, 5);

/** The environment of a command that starts in one certain second. */
const inOneSecond = () => ({ NODE_OPTIONS: `--import ${SLOW_CLOCK}`, HOLDFAST_TEST_CLOCK: String(SECOND) });

function placeWith(text: string): Place {
  const place = new Place("simulation");
  writeFileSync(place.path("simulation.yaml"), text);
  return place;
}

describe("run, of the simulation printed in the formats,", { timeout: 120_000 }, () => {
  it.each([
    ["EconomicTest", /^EconomicTest_2agents_\d{8}_\d{6}_01$/],
    ['"Economic Test/1"', /^Economic_Test_1_2agents_\d{8}_\d{6}_01$/],
  ])("with the name %s keeps turns 5, 10, 15 and last, and result.json", (name, id) => {
    using place = placeWith(FORMATS_CONFIG.replace("EconomicTest", name));
    const result = place.quick(["run", "simulation.yaml"]);
    assert.equal(result.status, 0, result.stderr);
    const run = place.run();
    assert.match(run, id);
    assert.match(result.stdout, new RegExp(`^${run} completed: .*15 turns`));
    assert.deepEqual(namesOf(place, run, "checkpoints"), CHECKPOINTS);
    const last = readRun(place, run, "checkpoints", "last.json");
    assert.equal(last.turn, 15);
    assert.equal(last.state.turn, 15);
    const results = readRun(place, run, "result.json");
    assert.equal(results.run_metadata.run_id, run);
    assert.equal(results.run_metadata.num_agents, 2);
    assert.equal(results.run_metadata.checkpoint_interval, 5);
    assert.deepEqual(results.final_state, last.state);
    assert.deepEqual(
      results.checkpoints.map(({ turn }: { turn: number }) => turn),
      [5, 10, 15],
    );
    assert.equal(results.summary_stats.total_turns, 15);
    assert.equal(results.summary_stats.termination_reason, "max_turns");
    const state = readRun(place, run, "run.json");
    assert.equal(state.kind, "simulation");
    assert.equal(state.status, "completed");
    assert.equal(state.turn, 15);
    const verified = place.quick(["verify"]);
    assert.equal(verified.status, 0, verified.stdout);
  });

  it("without an interval keeps only last and the final state", () => {
    using place = placeWith(FORMATS_CONFIG.replace(/ {2}checkpoint_interval.*\n/, ""));
    const run = completed(place);
    assert.deepEqual(namesOf(place, run, "checkpoints"), ["last.json", "turn_15.json"]);
    assert.equal(readRun(place, run, "checkpoints", "turn_15.json").checkpoint_type, "final");
    assert.equal(place.quick(["verify"]).status, 0);
  });

  it.each(["0", "-5", "2.5", "five"])(
    "with the interval %s is refused by name, line and reason",
    (interval) => {
      using place = placeWith(
        FORMATS_CONFIG.replace(/checkpoint_interval: 5/, `checkpoint_interval: ${interval}`),
      );
      const result = place.quick(["run", "simulation.yaml"]);
      assert.equal(result.status, 2, result.stderr);
      assert.match(
        result.stderr,
        /CONFIG_INVALID: .*simulation\.yaml:5:\d+.*simulation\.checkpoint_interval/,
      );
      assert.match(result.stderr, /positive|int|number/);
      assert.ok(result.stderr.includes(interval), result.stderr);
      assert.equal(existsSync(place.store), false);
      const typed = place.quick(["run", "simulation.yaml", "--checkpoint-interval", interval]);
      assert.equal(typed.status, 2);
      assert.match(typed.stderr, /--checkpoint-interval takes a whole number from 1/);
    },
  );

  it("takes --checkpoint-interval, --max-turns, --seed and --verbosity in place of the config's", () => {
    using place = placeWith(FORMATS_CONFIG);
    const flags = [
      "--checkpoint-interval",
      "3",
      "--max-turns",
      "7",
      "--seed",
      "5",
      "--verbosity",
      "MILESTONE",
    ];
    const run = completed(place, ["run", "simulation.yaml", ...flags]);
    assert.deepEqual(namesOf(place, run, "checkpoints"), [
      "last.json",
      "turn_3.json",
      "turn_6.json",
      "turn_7.json",
    ]);
    const { config_snapshot: config } = readRun(place, run, "run.json");
    assert.ok(canonical(config).includes('"seed":5'));
    assert.equal(place.quick(["run", "simulation.yaml", "--verbosity", "LOUD"]).status, 2);
  });

  it("refuses the options of a workflow, and a workflow refuses its own", () => {
    using place = placeWith(FORMATS_CONFIG);
    const task = place.quick(["run", "simulation.yaml", "--task", "T-1"]);
    assert.equal(task.status, 2);
    assert.match(task.stderr, /USAGE: .*--task.*is a simulation/);
    writeFileSync(
      place.path("workflow.yaml"),
      "kind: workflow\nname: x\nagents: { builder: { cmd: [node] } }\ntasks: [{ id: T-1, goal: x }]\n",
    );
    for (const flags of [
      ["--seed", "1"],
      ["--max-turns", "1"],
      ["--verbosity", "STATE"],
      ["--checkpoint-interval", "1"],
      ["--resume-from", "x", "--resume-turn", "1"],
    ]) {
      const result = place.quick(["run", "workflow.yaml", ...flags]);
      assert.equal(result.status, 2, flags.join(" "));
      assert.match(result.stderr, new RegExp(`USAGE: .*${flags[0]}.*is a workflow`));
    }
    for (const flags of [
      ["--resume-from", "x"],
      ["--resume-turn", "5"],
    ]) {
      const result = place.quick(["run", "simulation.yaml", ...flags]);
      assert.equal(result.status, 2);
      assert.match(result.stderr, /--resume-from.*--resume-turn|--resume-turn.*--resume-from/);
    }
    assert.equal(existsSync(place.store), false);
  });

  it("gives ten starts of one second ten ids", { timeout: 180_000 }, async () => {
    using place = placeWith(FORMATS_CONFIG);
    const started = Array.from({ length: 10 }, () =>
      place.start(["run", "simulation.yaml", "--quiet"], { env: inOneSecond() }),
    );
    const ended = await Promise.all(started.map(({ ended: end }) => end));
    assert.deepEqual(
      ended.map(({ status, stderr }) => `${status}${stderr}`),
      Array(10).fill("0"),
    );
    const ids = Array.from({ length: 10 }, (_, index) => String(index + 1).padStart(2, "0"));
    assert.deepEqual(
      place.runs(),
      ids.map((seq) => `EconomicTest_2agents_20260102_030405_${seq}`),
    );
    const verified = place.quick(["verify"]);
    assert.equal(verified.status, 0, verified.stdout);
  });

  it("ends the hundredth start of one second with RUN_ID_COLLISION and status 1", () => {
    using place = placeWith(FORMATS_CONFIG);
    assert.equal(place.holdfast(["run", "simulation.yaml"], { env: inOneSecond() }).status, 0);
    for (let seq = 2; seq <= 98; seq++)
      mkdirSync(
        join(place.store, "runs", `EconomicTest_2agents_20260102_030405_${String(seq).padStart(2, "0")}`),
      );
    assert.match(
      completed(place, ["run", "simulation.yaml", "--quiet"]),
      /_01$/,
      "another second has its own ids",
    );
    const last = place.holdfast(["run", "simulation.yaml"], { env: inOneSecond() });
    assert.equal(last.status, 0, last.stderr);
    assert.match(last.stdout, /_030405_99 completed/);
    const before = readdirSync(join(place.store, "runs")).length;
    const refused = place.holdfast(["run", "simulation.yaml"], { env: inOneSecond() });
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /^holdfast: RUN_ID_COLLISION: .*EconomicTest_2agents_20260102_030405/m);
    assert.equal(readdirSync(join(place.store, "runs")).length, before);
  });
});

/** Commands that only simulations have. */
const commands = (run: string) => [
  ["fork", run, "--turn", "1"],
  ["replay", run],
  ["checkpoints", run],
  ["checkpoint", "show", run, "last"],
  ["checkpoint", "diff", run, "1", "last"],
];

describe("fork", { timeout: 120_000 }, () => {
  it("from turn 10 ends with the state of the uninterrupted run, byte for byte in canonical JSON", () => {
    using place = new Place("fork");
    writeSimulation(place.dir, { maxTurns: 15, interval: 5 });
    const parent = completed(place);
    const whole = canonical(readRun(place, parent, "checkpoints", "last.json").state);
    const forks = [
      ["fork", parent, "--turn", "10"],
      ["run", "simulation.yaml", "--resume-from", parent, "--resume-turn", "10"],
    ].map((args) => completed(place, args));
    for (const run of forks) {
      assert.notEqual(run, parent);
      assert.equal(canonical(readRun(place, run, "checkpoints", "last.json").state), whole);
      assert.deepEqual(readRun(place, run, "run.json").parent, { run_id: parent, turn: 10 });
      assert.deepEqual(namesOf(place, run, "checkpoints"), ["last.json", "turn_15.json"]);
    }
    const [fork = ""] = forks;
    const grandchild = completed(place, ["fork", fork, "--turn", "15", "--max-turns", "18"]);
    assert.deepEqual(readRun(place, grandchild, "run.json").parent, { run_id: fork, turn: 15 });
    const longer = completed(place, ["run", "simulation.yaml", "--max-turns", "18"]);
    assert.equal(
      canonical(readRun(place, grandchild, "checkpoints", "last.json").state),
      canonical(readRun(place, longer, "checkpoints", "last.json").state),
    );
    const verified = place.quick(["verify"]);
    assert.equal(verified.status, 0, verified.stdout);
    for (const run of [...forks, grandchild]) {
      const replayed = place.quick(["replay", run, "--verify"]);
      assert.equal(replayed.status, 0, replayed.stderr + replayed.stdout);
    }
  });

  it("of a turn without a checkpoint ends with 3 and says which turns there are", () => {
    using place = placeWith(FORMATS_CONFIG);
    const run = completed(place);
    for (const args of [
      ["fork", run, "--turn", "7"],
      ["run", "simulation.yaml", "--resume-from", run, "--resume-turn", "7"],
      ["checkpoint", "show", run, "7"],
      ["checkpoint", "diff", run, "5", "7"],
    ]) {
      const result = place.quick(args);
      assert.equal(result.status, 3, `${args.join(" ")}: ${result.stderr}`);
      assert.match(result.stderr, /CHECKPOINT_MISSING: .*turn 7.*5, 10, 15/, args.join(" "));
    }
    assert.deepEqual(place.runs(), [run]);
  });

  it("and resume, replay, checkpoints of a run that is not there end with 3; of a workflow with 2", () => {
    using place = new Place("kind");
    for (const args of [...commands("nobody"), ["resume", "nobody"]]) {
      const result = place.quick(args);
      assert.equal(result.status, 3, args.join(" "));
      assert.match(result.stderr, /RUN_NOT_FOUND/);
    }
    assert.equal(place.quick(["init"]).status, 0);
    assert.equal(place.quick(["run", "workflow.yaml", "--quiet"]).status, 0);
    for (const args of commands(place.run())) {
      const result = place.quick(args);
      assert.equal(result.status, 2, `${args.join(" ")}: ${result.stderr}`);
      assert.match(result.stderr, /is a workflow/);
    }
  });
});

describe("init --kind simulation", { timeout: 60_000 }, () => {
  it("makes a commented config that runs as it is", () => {
    using place = new Place("init");
    assert.equal(place.quick(["init", "--kind", "simulation"]).status, 0);
    assert.match(place.read("simulation.yaml"), /^#/);
    const run = completed(place);
    assert.deepEqual(namesOf(place, run, "checkpoints"), CHECKPOINTS);
    assert.equal(place.quick(["init", "--kind", "simulation"]).status, 2);
    assert.equal(place.quick(["init", "--kind", "dream"]).status, 2);
    assert.equal(place.quick(["init"]).status, 0);
  });
});
