import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileStore, memoryStore } from "@holdfast/storage";
import { runStore } from "@holdfast/task-store";
import { startProgram, temporaryFolders } from "@holdfast/test-kit";
import { describe, it } from "vitest";
import { replaySimulation, runSimulation, verifySimulation } from "../src/index.ts";
import { checkpointNames, configOf, payingParts, stateText } from "./world.ts";

const folder = temporaryFolders();
const PROGRAM = join(import.meta.dirname, "killed-run.ts");
const KILLS = process.env["HOLDFAST_LONG"] === "1" ? 60 : 8;

describe("a process that is killed", () => {
  it("again and again leaves a run that ends as one that never was", { timeout: 120_000 }, async () => {
    const whole = memoryStore();
    const config = configOf({ maxTurns: 40, interval: 5 });
    const { run_id } = await runSimulation({ config, store: whole, ...payingParts([]) });
    const place = folder();
    const runs = join(place, "store", "runs");
    const runOf = (): string | undefined => {
      const ids = existsSync(runs) ? readdirSync(runs) : [];
      return ids.find((id) => existsSync(join(runs, id, "run.json")));
    };
    const paidSoFar = (): number => {
      const path = join(place, "paid.txt");
      return existsSync(path) ? readFileSync(path, "utf8").length : 0;
    };
    let kills = 0;
    for (; kills < KILLS; kills += 1) {
      const id = runOf();
      const before = paidSoFar();
      const program = startProgram(PROGRAM, [place, ...(id === undefined ? [] : [id])]);
      if ((await program.line()) !== "ready") assert.fail((await program.ended).stderr);
      // However slow the machine is: not before it pays for something more, but for every fourth time.
      const isPaying = (): boolean => program.process.exitCode !== null || paidSoFar() > before;
      if (kills % 4 !== 3) while (!isPaying()) await sleep(1);
      await sleep((kills * 37) % 90);
      program.process.kill("SIGKILL");
      const { code } = await program.ended;
      if (code === 0) break;
    }
    const id = runOf() ?? assert.fail("no run was left");
    const last = startProgram(PROGRAM, [place, id]);
    const { code, stderr } = await last.ended;
    assert.equal(code, 0, stderr);
    await using store = fileStore(join(place, "store"));
    assert.equal(await stateText(store, id, "last"), await stateText(whole, run_id, "last"));
    assert.deepEqual(await checkpointNames(store, id), await checkpointNames(whole, run_id));
    assert.deepEqual(await verifySimulation(store, id), []);
    assert.ok(
      ((await runStore(store).load(id))?.attempts ?? 0) > 3,
      "the kills came before or after the run",
    );
    const { difference } = await replaySimulation(id, { store, ...payingParts([]) });
    assert.equal(difference, undefined, difference?.message);
    const paid = readFileSync(join(place, "paid.txt"), "utf8").trimEnd().split("\n");
    assert.equal(new Set(paid).size, 120);
    assert.ok(paid.length - 120 <= kills, `${paid.length - 120} calls were paid again after ${kills} kills`);
  });
});
