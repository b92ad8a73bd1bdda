import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, it } from "vitest";
import { Place } from "./support/command.ts";
import { canonical, completed, namesOf, readRun, slowly, writeSimulation } from "./support/simulation.ts";

const LONG = process.env["HOLDFAST_LONG"] !== undefined;
const SHAPE = { maxTurns: 6, interval: 2 };

/** Every kept turn with its state, in canonical JSON. */
const statesOf = (place: Place, run: string): string[] =>
  namesOf(place, run, "checkpoints").map((name) => {
    const { turn, state, random } = readRun(place, run, "checkpoints", name);
    return canonical({ name, turn, state, random });
  });

// Nothing here blocks: all of them wait at the same time.
describe.concurrent("a run whose process gets signals in the middle of a save", { timeout: 300_000 }, () => {
  let whole: string[] = [];
  beforeAll(() => {
    using place = new Place("whole");
    writeSimulation(place.dir, SHAPE);
    whole = statesOf(place, completed(place));
  });

  const stories: readonly (readonly NodeJS.Signals[])[] = [
    ["SIGINT", "SIGINT"],
    ["SIGHUP"],
    ["SIGTERM", "SIGHUP"],
    ...(LONG ? Array.from({ length: 40 }, () => ["SIGINT", "SIGINT"] as const) : []),
  ];
  it.each(stories.map((signals) => [signals]))(
    "%j ends it with 130, and it goes on to the same end",
    async (signals) => {
      using place = new Place("signals");
      writeSimulation(place.dir, SHAPE);
      // Nearly all of its time it waits for a sync.
      const { child, ended } = place.start(["run", "simulation.yaml", "--quiet"], {
        faults: { SLOW_SYNC: "40" },
      });
      while (place.runs().length === 0 || !namesOf(place, place.run(), "checkpoints").includes("last.json"))
        await sleep(5);
      await sleep(Math.random() * 200);
      for (const signal of signals) {
        child.kill(signal);
        await sleep(Math.random() * 60);
      }
      const { status, stderr } = await ended;
      assert.equal(status, 130, stderr);
      const run = place.run();
      const resumed = await place.start(["resume", run, "--quiet"]).ended;
      assert.equal(resumed.status, 0, resumed.stdout + resumed.stderr);
      assert.deepEqual(
        statesOf(place, run).filter((state) => !state.includes(".tmp.")),
        whole,
      );
      const verified = await place.start(["verify"]).ended;
      assert.equal(verified.status, 0, verified.stdout);
    },
  );

  it("whose reader goes away ends quietly with 0, and is complete", async () => {
    using place = new Place("no-reader");
    writeSimulation(place.dir, SHAPE);
    const child = spawn(process.execPath, [place.command, "run", "simulation.yaml"], {
      cwd: place.dir,
      env: { ...process.env, ...slowly(30) },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    const closed = once(child, "close");
    child.stdout.destroy();
    assert.equal((await closed)[0], 0, stderr);
    assert.equal(readRun(place, place.run(), "run.json").status, "completed");
    assert.deepEqual(statesOf(place, place.run()), whole);
  });
});
