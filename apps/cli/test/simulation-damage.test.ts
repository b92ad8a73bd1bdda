import assert from "node:assert/strict";
import { copyFileSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, it } from "vitest";
import { Place } from "./support/command.ts";
import { canonical, completed, namesOf, readRun, writeSimulation } from "./support/simulation.ts";

const SHAPE = { maxTurns: 12, interval: 4 };

/** A completed run, or one that was killed after turn 10. */
function placeWithRun(options: { readonly killed?: boolean } = {}): { place: Place; run: string } {
  const place = new Place("sim-damage");
  writeSimulation(place.dir, SHAPE);
  if (options.killed !== true) return { place, run: completed(place) };
  const stopped = place.holdfast(["run", "simulation.yaml"], { env: { TEST_STOP_AT: "11" } });
  assert.equal(stopped.signal, "SIGKILL");
  const run = place.run();
  assert.equal(readRun(place, run, "checkpoints", "last.json").turn, 10);
  return { place, run };
}

const pathOf = (place: Place, run: string, name: string): string =>
  join(place.store, "runs", run, "checkpoints", `${name}.json`);

type Change = (path: string) => void;

const edit =
  (change: (document: Record<string, unknown>) => void): Change =>
  (path) => {
    const document = JSON.parse(readFileSync(path, "utf8"));
    change(document);
    writeFileSync(path, `${JSON.stringify(document, null, 2)}\n`);
  };

/** Each way in which a checkpoint can be wrong: its code, and the exit status. */
const DAMAGE: Readonly<Record<string, readonly [Change, string, number]>> = {
  corrupt: [
    (path) => writeFileSync(path, readFileSync(path, "utf8").replace(":", ";")),
    "CHECKPOINT_NOT_JSON",
    4,
  ],
  truncated: [(path) => truncateSync(path, 300), "CHECKPOINT_NOT_JSON", 4],
  empty: [(path) => truncateSync(path, 0), "CHECKPOINT_NOT_JSON", 4],
  "schema-breaking": [edit((document) => Object.assign(document, { turn: "eight" })), "CHECKPOINT_SCHEMA", 4],
  newer: [
    edit((document) => Object.assign(document, { schema: "holdfast/checkpoint/v9" })),
    "CHECKPOINT_NEWER_VERSION",
    4,
  ],
  changed: [
    edit((document) => Object.assign(document["state"] as object, { wealth: 1_000_000 })),
    "CHECKPOINT_CHECKSUM",
    4,
  ],
  "another turn's": [
    (path) => copyFileSync(path.replace("turn_8", "turn_4").replace("last", "turn_4"), path),
    "CHECKPOINT_TURN",
    4,
  ],
  missing: [(path) => rmSync(path), "CHECKPOINT_MISSING", 3],
};

describe("a checkpoint that is wrong", { timeout: 240_000 }, () => {
  it.each(Object.entries(DAMAGE))(
    "(%s) has a code of its own, and the status 4 or 3",
    (name, [change, code, status]) => {
      const { place, run } = placeWithRun();
      using _ = place;
      change(pathOf(place, run, "turn_8"));
      for (const args of [
        ["checkpoint", "show", run, "8"],
        ["checkpoint", "diff", run, "4", "8"],
        ["fork", run, "--turn", "8"],
        ["replay", run, "--from", "8"],
      ]) {
        const result = place.quick(args);
        assert.equal(result.status, status, `${args.join(" ")}: ${result.stderr}`);
        assert.match(result.stderr, new RegExp(`^holdfast: (SIMULATION_)?${code}: `, "m"), args.join(" "));
        assert.match(result.stderr, /turn[_ ]8/);
      }
      assert.deepEqual(place.runs(), [run], "nothing was created");
      const verified = place.quick(["verify"]);
      assert.equal(verified.status, 1, `${name}: ${verified.stdout}`);
      assert.match(verified.stdout, /checkpoints\/turn_8\.json/);
      assert.equal(place.quick(["checkpoint", "show", run, "4"]).status, 0);
      assert.equal(place.quick(["checkpoint", "show", run, "last"]).status, 0);
      assert.equal(place.quick(["checkpoints", run]).status, 0);
    },
  );

  it.each(Object.entries(DAMAGE).filter(([name]) => name !== "newer" && name !== "another turn's"))(
    "(%s), and it is last: the newest whole one is used, and said so",
    (name, [change]) => {
      const { place, run } = placeWithRun({ killed: true });
      using _ = place;
      const turn8 = readFileSync(pathOf(place, run, "turn_8"), "utf8");
      change(pathOf(place, run, "last"));
      const shown = place.quick(["checkpoint", "show", run, "last", "--json"]);
      assert.equal(shown.status, 0, shown.stderr);
      assert.equal(JSON.parse(shown.stdout).turn, 8);
      assert.match(shown.stderr, /warning: .*last.*turn 8/);
      const resumed = place.quick(["resume", run]);
      assert.equal(resumed.status, 0, resumed.stderr);
      assert.match(resumed.stderr, /last.*turn 8/, name);
      using other = new Place("uninterrupted");
      writeSimulation(other.dir, SHAPE);
      const whole = completed(other);
      assert.equal(
        canonical(readRun(place, run, "checkpoints", "last.json").state),
        canonical(readRun(other, whole, "checkpoints", "last.json").state),
      );
      assert.equal(readFileSync(pathOf(place, run, "turn_8"), "utf8"), turn8);
      const verified = place.quick(["verify"]);
      assert.equal(verified.status, 0, verified.stdout);
    },
  );

  it("of a newer version, and it is last: refused, and left untouched", () => {
    const { place, run } = placeWithRun({ killed: true });
    using _ = place;
    edit((document) => Object.assign(document, { schema: "holdfast/checkpoint/v9" }))(
      pathOf(place, run, "last"),
    );
    const before = readFileSync(pathOf(place, run, "last"), "utf8");
    const resumed = place.quick(["resume", run]);
    assert.equal(resumed.status, 4, resumed.stderr);
    assert.match(resumed.stderr, /CHECKPOINT_NEWER_VERSION: .*version 9/);
    assert.equal(place.quick(["repair", run]).stdout, "nothing to mend\n");
    assert.equal(readFileSync(pathOf(place, run, "last"), "utf8"), before);
  });

  it("and no other is whole: status 4, nothing is started from zero", () => {
    const { place, run } = placeWithRun({ killed: true });
    using _ = place;
    const { turn } = readRun(place, run, "run.json");
    for (const name of ["last", "turn_4", "turn_8"]) truncateSync(pathOf(place, run, name), 100);
    const resumed = place.quick(["resume", run]);
    assert.equal(resumed.status, 4, resumed.stderr);
    assert.match(resumed.stderr, /CHECKPOINT_NOT_JSON/);
    assert.equal(readRun(place, run, "run.json").turn, turn);
  });
});

describe("repair, of a damaged last,", { timeout: 120_000 }, () => {
  it("moves it aside and rebuilds it from the newest whole one; --dry-run only says so", () => {
    for (const name of ["truncated", "changed", "missing"]) {
      const { place, run } = placeWithRun({ killed: true });
      using _ = place;
      DAMAGE[name]?.[0](pathOf(place, run, "last"));
      const damaged = existsSync(pathOf(place, run, "last"))
        ? readFileSync(pathOf(place, run, "last"), "utf8")
        : undefined;
      const dry = place.quick(["repair", run, "--dry-run"]);
      assert.equal(dry.status, 0, `${name}: ${dry.stdout}${dry.stderr}`);
      assert.match(dry.stdout, /would mend.*\n.*turn 8/);
      assert.equal(existsSync(pathOf(place, run, "last")), damaged !== undefined);
      const mended = place.quick(["repair", run]);
      assert.equal(mended.status, 0, mended.stdout);
      assert.match(mended.stdout, /mended.*\n.*turn 8/);
      if (damaged !== undefined)
        assert.equal(readFileSync(`${pathOf(place, run, "last")}.corrupt`, "utf8"), damaged);
      const last = readRun(place, run, "checkpoints", "last.json");
      assert.equal(last.turn, 8);
      assert.equal(last.checkpoint_type, "last");
      const verified = place.quick(["verify"]);
      assert.equal(verified.status, 0, verified.stdout);
      assert.equal(place.quick(["repair", run]).stdout, "nothing to mend\n");
      assert.equal(place.quick(["resume", run]).status, 0);
      assert.deepEqual(
        namesOf(place, run, "checkpoints").filter((file) => !file.endsWith(".corrupt")),
        ["last.json", "turn_12.json", "turn_4.json", "turn_8.json"],
      );
      assert.equal(place.quick(["verify"]).status, 0);
    }
  });

  it("leaves a run alone that another process works on: status 5", async () => {
    using place = new Place("sim-held");
    writeSimulation(place.dir, { maxTurns: 30, interval: 2 });
    const { child, ended } = place.start(["run", "simulation.yaml"], { env: { TEST_DELAY_MS: "100" } });
    while (place.runs().length === 0 || namesOf(place, place.run(), "checkpoints").length < 3)
      await new Promise((resolve) => setTimeout(resolve, 20));
    const run = place.run();
    child.kill("SIGSTOP");
    writeFileSync(pathOf(place, run, "last"), "{");
    const refused = place.quick(["repair", run]);
    assert.equal(refused.status, 5, refused.stdout + refused.stderr);
    assert.equal(readFileSync(pathOf(place, run, "last"), "utf8"), "{");
    child.kill("SIGCONT");
    child.kill("SIGKILL");
    await ended;
    assert.equal(place.quick(["repair", run]).status, 0);
  });

  it("removes what a killed writer left in the folder of checkpoints", () => {
    const { place, run } = placeWithRun();
    using _ = place;
    // No process has this number.
    const left = join(place.store, "runs", run, "checkpoints", ".last.json.tmp.2147483646.0123abcd");
    writeFileSync(left, "half");
    assert.match(place.quick(["verify"]).stdout, /left over/);
    assert.equal(place.quick(["repair", run, "--dry-run"]).status, 0);
    assert.ok(existsSync(left));
    assert.equal(place.quick(["repair", run]).status, 0);
    assert.equal(existsSync(left), false);
  });
});

describe("verify, of simulations,", { timeout: 240_000 }, () => {
  let untouched: string;
  beforeAll(() => {
    const { place } = placeWithRun();
    using _ = place;
    untouched = place.quick(["verify"]).stdout;
  });

  it("finds nothing wrong with an untouched one", () => {
    assert.match(untouched, /checked 1 run.*everything that is claimed holds/);
  });

  it.each<[string, (place: Place, run: string) => void, RegExp]>([
    [
      "a changed final state in result.json",
      (place, run) =>
        edit((document) => Object.assign(document["final_state"] as object, { wealth: 1 }))(
          join(place.store, "runs", run, "result.json"),
        ),
      /result\.json/,
    ],
    [
      "a result.json that names a turn there is no file of",
      (place, run) => rmSync(pathOf(place, run, "turn_4")),
      /turn_4\.json/,
    ],
    [
      "a missing result.json",
      (place, run) => rmSync(join(place.store, "runs", run, "result.json")),
      /result\.json/,
    ],
    ["a last that was lost", (place, run) => rmSync(pathOf(place, run, "last")), /last\.json/],
    [
      "a run state that says another turn than last",
      (place, run) =>
        edit((document) => Object.assign(document, { turn: 99, document_sha256: undefined }))(
          join(place.store, "runs", run, "run.json"),
        ),
      /turn 99/,
    ],
    [
      "a run without its state",
      (place, run) => rmSync(join(place.store, "runs", run, "run.json")),
      /run\.json/,
    ],
  ])("finds %s", (_name, change, place_) => {
    const { place, run } = placeWithRun();
    using _ = place;
    change(place, run);
    const { status, stdout } = place.quick(["verify"]);
    assert.equal(status, 1, stdout);
    assert.match(stdout, place_);
    const one = place.quick(["verify", run]);
    assert.ok(one.status === 1 || one.status === 3, one.stdout);
  });

  it("tells of a parent that is not there; the fork itself is whole", () => {
    const { place, run } = placeWithRun();
    using _ = place;
    const fork = completed(place, ["fork", run, "--turn", "8"]);
    rmSync(join(place.store, "runs", run), { recursive: true });
    const { status, stdout } = place.quick(["verify"]);
    assert.equal(status, 0, stdout);
    assert.ok(stdout.includes(run), stdout);
    assert.equal(place.quick(["checkpoint", "show", fork, "last"]).status, 0);
  });
});
