import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "vitest";
import { Place } from "./support/command.ts";
import { canonical, completed, namesOf, readRun, slowly, writeSimulation } from "./support/simulation.ts";

describe("a simulation that is watched", { timeout: 120_000 }, () => {
  it("tells a line a turn when turns are slow, and few when they are fast; none with --quiet", () => {
    using place = new Place("progress");
    writeSimulation(place.dir, { maxTurns: 4, interval: 2 });
    const slow = place.holdfast(["run", "simulation.yaml"], { env: slowly(300) });
    for (const turn of [1, 2, 3, 4])
      assert.match(slow.stderr, new RegExp(`^ +turn +${turn} of 4`, "m"), slow.stderr);
    assert.match(slow.stderr, /turn +2 of 4.*turn_2/);
    writeSimulation(place.dir, {
      maxTurns: 300,
      interval: 1,
      engine: "export default { init: () => ({}), step: (state) => state };\n",
    });
    const began = performance.now();
    const fast = place.holdfast(["run", "simulation.yaml"]);
    const lines = fast.stderr.split("\n").filter((line) => /^ +turn/.test(line)).length;
    assert.ok(lines <= 2 + ((performance.now() - began) / 1_000) * 4, `${lines} lines`);
    assert.equal(place.holdfast(["run", "simulation.yaml", "--quiet"]).stderr, "");
  });

  it("is told by status, show, runs and checkpoints while it runs and afterwards", async () => {
    using place = new Place("watch");
    writeSimulation(place.dir, { maxTurns: 40, interval: 2 });
    const { ended } = place.start(["run", "simulation.yaml"], { env: slowly(100) });
    while (place.runs().length === 0 || namesOf(place, place.run(), "checkpoints").length < 3)
      await new Promise((resolve) => setTimeout(resolve, 20));
    const run = place.run();
    const during = place.holdfast(["status", run]);
    assert.equal(during.status, 0, during.stderr);
    assert.match(during.stdout, new RegExp(`${run} +running.*turn \\d+ of 40`));
    assert.match(during.stdout, /held by pid \d+/);
    assert.match(place.holdfast(["status"]).stdout, new RegExp(run));
    assert.equal((await ended).status, 0);
    const after = JSON.parse(place.holdfast(["status", run, "--json"]).stdout);
    assert.equal(after.state.status, "completed");
    assert.equal(after.state.turn, 40);
    assert.match(place.holdfast(["show", run]).stdout, /turn_40\.json/);
    assert.match(place.holdfast(["runs"]).stdout, new RegExp(`${run} +completed`));
    assert.match(place.holdfast(["runs", "--kind", "simulation"]).stdout, new RegExp(run));
    assert.equal(place.holdfast(["runs", "--kind", "workflow"]).stdout, "");
    const listed = place.holdfast(["checkpoints", run, "--json"]).stdout.trimEnd().split("\n");
    const names = listed.map((line) => JSON.parse(line).name);
    assert.deepEqual(names, [...Array.from({ length: 20 }, (_, index) => `turn_${2 * index + 2}`), "last"]);
    assert.equal(JSON.parse(listed.at(-1) ?? "").turn, 40);
  });

  it("is interrupted by Ctrl-C and SIGTERM: saved, 130, and it says how to go on", async () => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      using place = new Place("interrupt");
      writeSimulation(place.dir, { maxTurns: 12, interval: 4 });
      const { child, ended } = place.start(["run", "simulation.yaml"], { env: slowly(150) });
      while (place.runs().length === 0 || !namesOf(place, place.run(), "checkpoints").includes("last.json"))
        await new Promise((resolve) => setTimeout(resolve, 20));
      child.kill(signal);
      const { status, stdout, stderr } = await ended;
      assert.equal(status, 130, stderr);
      const run = place.run();
      assert.match(stdout + stderr, new RegExp(`holdfast resume ${run}`));
      assert.equal(readRun(place, run, "run.json").status, "aborted");
      assert.equal(existsSync(join(place.store, "runs", run, "result.json")), false);
      assert.equal(place.holdfast(["resume", run]).status, 0);
      const verified = place.holdfast(["verify"]);
      assert.equal(verified.status, 0, verified.stdout);
      using other = new Place("uninterrupted");
      writeSimulation(other.dir, { maxTurns: 12, interval: 4 });
      const whole = completed(other);
      assert.equal(
        canonical(readRun(place, run, "checkpoints", "last.json").state),
        canonical(readRun(other, whole, "checkpoints", "last.json").state),
      );
    }
  });

  it("of two resumes at once one works and the other ends with 5, naming the holder", async () => {
    using place = new Place("two");
    writeSimulation(place.dir, { maxTurns: 8 });
    place.holdfast(["run", "simulation.yaml"], { faults: { KILL_AT: "60:after" } });
    const run = place.run();
    const both = [1, 2].map(() => place.start(["resume", run], { env: slowly(200) }));
    const ended = await Promise.all(both.map((one) => one.ended));
    assert.deepEqual(
      ended.map(({ status }) => Number(status)).toSorted((a, b) => a - b),
      [0, 5],
      ended.map(({ stderr }) => stderr).join("\n"),
    );
    assert.match(ended.find(({ status }) => status === 5)?.stderr ?? "", /_HELD: .*process \d+ on/);
    assert.equal(place.holdfast(["verify"]).status, 0);
    assert.equal(place.holdfast(["resume", run]).status, 0, "a completed run is told again");
  });

  it("ends quietly with 0 when the reader of a list goes away", async () => {
    using place = new Place("head");
    writeSimulation(place.dir, {
      maxTurns: 200,
      interval: 1,
      engine: "export default { init: () => ({ pad: 'x'.repeat(100_000) }), step: (state) => state };\n",
    });
    const run = completed(place);
    for (const args of [
      `checkpoints ${run} --json`,
      `checkpoint show ${run} last --json`,
      `show ${run}`,
      `status ${run}`,
    ]) {
      const child = spawn(
        "sh",
        ["-c", `"${process.execPath}" "${place.command}" ${args}; echo "status $?" >&2`],
        {
          cwd: place.dir,
          stdio: ["ignore", "pipe", "pipe"],
        },
      );
      child.stdout.destroy();
      let stderr = "";
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        stderr += text;
      });
      await new Promise((resolve) => child.once("close", resolve));
      assert.equal(stderr, "status 0\n", args);
    }
  });
});
