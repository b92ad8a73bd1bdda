import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "vitest";
import { Place } from "./support/command.ts";
import { canonical, completed, namesOf, readRun, writeSimulation } from "./support/simulation.ts";

const LONG = process.env["HOLDFAST_LONG"] !== undefined;
const SHAPE = { maxTurns: 8, interval: 4 };
const RUN = ["run", "simulation.yaml", "--quiet"];
const isRoot = process.getuid?.() === 0;

/** Every checkpoint there is can be loaded, and no part of a file is left. */
function assertWhole(place: Place, run: string, label: string): void {
  for (const name of namesOf(place, run, "checkpoints")) {
    assert.doesNotMatch(name, /^\./, `${label}: a partial file is left`);
    const which = /^turn_(\d+)\.json$/.exec(name)?.[1] ?? "last";
    if (!/^(turn_\d+|last)\.json$/.test(name)) continue;
    const shown = place.holdfast(["checkpoint", "show", run, which, "--json"]);
    if (readdirIsFolder(place, run, name)) continue;
    assert.equal(shown.status, 0, `${label}: ${name}: ${shown.stderr}`);
    assert.equal(shown.stderr, "", label);
  }
}

const readdirIsFolder = (place: Place, run: string, name: string): boolean => {
  try {
    readdirSync(join(place.store, "runs", run, "checkpoints", name));
    return true;
  } catch {
    return false;
  }
};

/** With the disk well again the run ends as one that never met a fault. */
function assertGoesOn(place: Place, run: string, label: string): void {
  const resumed = place.holdfast(["resume", run, "--quiet"]);
  assert.equal(resumed.status, 0, `${label}: ${resumed.stdout}${resumed.stderr}`);
  using other = new Place("well");
  writeSimulation(other.dir, SHAPE);
  const whole = completed(other);
  assert.equal(
    canonical(readRun(place, run, "checkpoints", "last.json").state),
    canonical(readRun(other, whole, "checkpoints", "last.json").state),
    label,
  );
  const verified = place.holdfast(["verify"]);
  assert.equal(verified.status, 0, `${label}: ${verified.stdout}`);
}

/** The call that first touches the n-th checkpoint of a name, in a run without faults. */
function callsOn(pattern: RegExp): number[] {
  using place = new Place("trace");
  writeSimulation(place.dir, SHAPE);
  const trace = place.path("trace.txt");
  assert.equal(place.holdfast(RUN, { faults: { TRACE: trace } }).status, 0);
  const lines = readFileSync(trace, "utf8").trimEnd().split("\n");
  return lines.flatMap((line, index) => (pattern.test(line) ? [index + 1] : []));
}

describe("a checkpoint that cannot be saved", { timeout: 600_000 }, () => {
  it("ends the run with CHECKPOINT_SAVE and status 1, names path and cause, and the run goes on later", () => {
    const calls = callsOn(/checkpoints\/.*(last|turn_\d+)\.json/);
    assert.ok(calls.length > 20, String(calls.length));
    const samples = LONG ? calls.length : 8;
    for (let sample = 0; sample < samples; sample++) {
      const call = calls[LONG ? sample : Math.floor(((sample * 0.618033988749895) % 1) * calls.length)] ?? 0;
      const code = ["ENOSPC", "EROFS", "EIO", "EACCES", "EDQUOT"][sample % 5] ?? "EIO";
      const label = `call ${call} fails with ${code}`;
      using place = new Place("save");
      writeSimulation(place.dir, SHAPE);
      const failed = place.holdfast([...RUN, "--verbose"], {
        faults: { FAIL_AT: `${call}:${code}:lasting` },
        timeoutMs: 60_000,
      });
      assert.equal(failed.signal, null, `${label}: it hangs`);
      assert.equal(failed.status, 1, `${label}: ${failed.stderr}`);
      // Which place it is depends on what is written beside the checkpoint at that moment: its events, the state of the run, a folder's name.
      assert.match(failed.stderr, /^holdfast: CHECKPOINT_SAVE: .*"[^"]*\.holdfast\/[^"]+"/m, label);
      assert.ok(failed.stderr.includes(code), `${label}: ${failed.stderr}`);
      const run = place.run();
      // What could not be removed from a failing disk is a leftover of a dead writer.
      place.holdfast(["repair", run]);
      assertWhole(place, run, label);
      assertGoesOn(place, run, label);
    }
  });

  it("because a folder is in the way of turn_4.json: status 1, everything before is whole", () => {
    using place = new Place("in-the-way");
    writeSimulation(place.dir, SHAPE);
    // Stop after turn 3, put a folder in the way, go on.
    assert.equal(place.holdfast(RUN, { env: { TEST_STOP_AT: "4" } }).signal, "SIGKILL");
    const run = place.run();
    const way = join(place.store, "runs", run, "checkpoints", "turn_4.json");
    mkdirSync(way);
    const failed = place.holdfast(["resume", run]);
    assert.equal(failed.status, 1, failed.stderr);
    assert.match(failed.stderr, /^holdfast: CHECKPOINT_SAVE: .*turn_4\.json": it is not a regular file/m);
    assert.match(failed.stderr, new RegExp(`holdfast resume ${run}`));
    assertWhole(place, run, "a folder in the way");
    assert.equal(place.holdfast(["status", run]).status, 0);
    rmSync(way, { recursive: true });
    assertGoesOn(place, run, "a folder in the way");
  });

  it.skipIf(isRoot)("because the folder is read-only: status 1, EACCES is named", () => {
    using place = new Place("read-only-folder");
    writeSimulation(place.dir, SHAPE);
    assert.equal(place.holdfast(RUN, { env: { TEST_STOP_AT: "6" } }).signal, "SIGKILL");
    const run = place.run();
    const folder = join(place.store, "runs", run, "checkpoints");
    chmodSync(folder, 0o500);
    const failed = place.holdfast(["resume", run]);
    chmodSync(folder, 0o700);
    assert.equal(failed.status, 1, failed.stderr);
    assert.match(failed.stderr, /CHECKPOINT_SAVE: .*last\.json.*permission is denied/);
    assertGoesOn(place, run, "a read-only folder");
  });
});

function mount(...args: string[]): boolean {
  return spawnSync("mount", args, { stdio: "ignore" }).status === 0;
}

function mounts(target: string, options: string): boolean {
  mkdirSync(target, { recursive: true });
  return (
    spawnSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", target], { stdio: "ignore" }).status === 0
  );
}

/** An engine whose state becomes larger with each turn. */
const growing = (times: number): string =>
  `export default { init: () => ({ pad: "" }), step: (state, ctx) => ({ ...state, pad: state.pad + String(ctx.random()).repeat(${times}) }) };\n`;

describe.skipIf(!isRoot)("a size-limited file system (needs root and tmpfs)", { timeout: 300_000 }, () => {
  it("that fills ends the run with CHECKPOINT_SAVE; with room again it goes on", (test) => {
    using place = new Place("sim-full");
    if (!mounts(place.store, "size=600k,mode=0700")) return test.skip("mounting is not allowed here");
    try {
      writeSimulation(place.dir, { ...SHAPE, engine: growing(2_000), interval: 1 });
      const full = place.holdfast(["run", "simulation.yaml"], { timeoutMs: 60_000 });
      assert.equal(full.status, 1, full.stderr);
      assert.match(
        full.stderr,
        /^holdfast: CHECKPOINT_SAVE: .*checkpoints\/(last|turn_\d+)\.json": .*(full|bytes were written).*make room/m,
      );
      const run = place.run();
      assertWhole(place, run, "a full disk");
      for (const args of [
        ["status", run],
        ["show", run],
        ["checkpoints", run],
        ["verify"],
        ["gc", "--keep-last", "1", "--dry-run"],
      ])
        assert.equal(place.holdfast(args).status, 0, args.join(" "));
      spawnSync("mount", ["-o", "remount,size=20m", place.store]);
      const resumed = place.holdfast(["resume", run]);
      assert.equal(resumed.status, 0, resumed.stderr);
      assert.equal(place.holdfast(["verify"]).status, 0);
    } finally {
      spawnSync("umount", ["-l", place.store]);
    }
  });

  it("that is full is made room on by gc, and the run goes on", (test) => {
    using place = new Place("sim-gc");
    if (!mounts(place.store, "size=700k,mode=0700")) return test.skip("mounting is not allowed here");
    try {
      writeSimulation(place.dir, { maxTurns: 9, engine: growing(800), interval: 1 });
      assert.equal(place.holdfast(RUN, { timeoutMs: 60_000 }).status, 1);
      const run = place.run();
      const freed = place.holdfast(["gc", "--keep-last", "1"]);
      assert.equal(freed.status, 0, freed.stderr);
      assert.match(freed.stdout, /freed/);
      // A long run on a small disk: room is made as often as it is needed.
      for (let tries = 0; tries < 10 && place.holdfast(["resume", run, "--quiet"]).status !== 0; tries++)
        assert.equal(place.holdfast(["gc", "--keep-last", "0"]).status, 0);
      assert.equal(readRun(place, run, "run.json").status, "completed");
      assert.ok(existsSync(join(place.store, "runs", run, "result.json")));
      const verified = place.holdfast(["verify"]);
      assert.equal(verified.status, 0, verified.stdout);
    } finally {
      spawnSync("umount", ["-l", place.store]);
    }
  });

  it("of which one folder is read-only ends the run with CHECKPOINT_SAVE; once it can be written, it goes on", (test) => {
    using place = new Place("sim-ro-folder");
    writeSimulation(place.dir, SHAPE);
    assert.equal(place.holdfast(RUN, { env: { TEST_STOP_AT: "6" } }).signal, "SIGKILL");
    const run = place.run();
    const folder = join(place.store, "runs", run, "checkpoints");
    if (!mount("--bind", folder, folder)) return test.skip("mounting is not allowed here");
    try {
      assert.ok(mount("-o", "remount,bind,ro", folder));
      const failed = place.holdfast(["resume", run]);
      assert.equal(failed.status, 1, failed.stderr);
      assert.match(failed.stderr, /^holdfast: CHECKPOINT_SAVE: .*last\.json": the file system is read-only/m);
      assertWhole(place, run, "a read-only folder");
    } finally {
      spawnSync("umount", ["-l", folder]);
    }
    assertGoesOn(place, run, "a read-only folder");
  });

  it("that is read-only lets itself be read, and refuses a resume with status 1", (test) => {
    using place = new Place("sim-read-only");
    if (!mounts(place.store, "size=20m,mode=0700")) return test.skip("mounting is not allowed here");
    try {
      writeSimulation(place.dir, SHAPE);
      assert.equal(place.holdfast(RUN, { env: { TEST_STOP_AT: "6" } }).signal, "SIGKILL");
      const run = place.run();
      assert.equal(spawnSync("mount", ["-o", "remount,ro", place.store]).status, 0);
      for (const args of [
        ["runs"],
        ["status"],
        ["status", run],
        ["show", run],
        ["checkpoints", run],
        ["checkpoint", "show", run, "last"],
        ["checkpoint", "diff", run, "4", "last"],
        ["replay", run, "--verify"],
        ["verify"],
        ["gc", "--keep-last", "0", "--dry-run"],
        ["repair", "--dry-run"],
      ]) {
        const read = place.holdfast(args);
        assert.equal(read.status, 0, `${args.join(" ")}: ${read.stdout}${read.stderr}`);
      }
      const refused = place.holdfast(["resume", run]);
      assert.equal(refused.status, 1, refused.stderr);
      assert.match(refused.stderr, /READ_ONLY|EROFS/);
      spawnSync("mount", ["-o", "remount,rw", place.store]);
      assertGoesOn(place, run, "a read-only disk");
    } finally {
      spawnSync("umount", ["-l", place.store]);
    }
  });
});
