import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, it } from "vitest";
import { Place } from "./support/command.ts";
import { checkLedger, hasPython, recompute } from "./support/invariants.ts";
import { writeScriptedWorkflow } from "./support/scripted-workflow.ts";

const ROUNDS = process.env["HOLDFAST_LONG"] === undefined ? 3 : 50;

/** The agents of a run: every process that has the store's folder in its command line. */
function agentsIn(dir: string): number[] {
  const found = spawnSync("pgrep", ["-f", `mock-agent.*${dir}`], { encoding: "utf8" });
  return found.stdout.split("\n").filter(Boolean).map(Number);
}

/** By the system call: some kill(1) take the first digit of a negative number for the number. */
function killGroup(pid: number): void {
  assert.ok(pid > 1);
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    // Gone already: the run had ended.
    assert.equal((error as NodeJS.ErrnoException).code, "ESRCH");
  }
}

async function killAtRandom(withAgents: boolean, round: number): Promise<void> {
  using place = new Place("random-kill");
  writeScriptedWorkflow(place.dir, { delayMs: 60 });
  const { child, ended } = place.start(["run", "workflow.yaml", "--quiet"]);
  // Spread over the length of a run; the exact moment is up to the machine.
  await sleep(250 + ((round * 0.618033988749895) % 1) * 2_200);
  const agents = agentsIn(place.dir);
  child.kill("SIGKILL");
  if (withAgents) for (const pid of agents) killGroup(pid);
  await ended;
  const [run] = place.runs();
  if (run === undefined) return;
  const before = place.ledgerLines();
  if (!existsSync(join(place.store, "runs", run, "run.json"))) return;
  const resumed = place.holdfast(["resume", run, "--quiet"]);
  assert.equal(resumed.status, 0, `round ${round}: ${resumed.stdout}${resumed.stderr}`);
  checkLedger(before, place.ledgerLines());
  assert.equal(place.holdfast(["verify"]).status, 0, `round ${round}`);
  assert.deepEqual(agentsIn(place.dir), [], `round ${round}: agents are left`);
  if (hasPython()) assert.deepEqual(recompute(place).problems, []);
}

describe("a run killed with SIGKILL at random moments", { timeout: 1_200_000 }, () => {
  it("ends completed when it is resumed, after the orchestrator and its agents were killed", async () => {
    for (let round = 0; round < ROUNDS; round++) await killAtRandom(true, round);
  });

  it("ends completed when it is resumed, after the orchestrator alone was killed", async () => {
    for (let round = 0; round < ROUNDS; round++) await killAtRandom(false, round + 0.5);
  });
});
