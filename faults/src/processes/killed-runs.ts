import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { env, execPath } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import type { Trial, TrialOutcome } from "../trial.ts";

const APP = join(import.meta.dirname, "../../../apps/cli");
const COMMAND = join(APP, "bin/holdfast.js");

/** A run of the built command: its configuration, and what is compared of its end. */
interface Work {
  readonly write: (folder: string) => void;
  readonly end: (folder: string, run: string) => unknown;
}

interface Ended {
  readonly status: number | null;
  readonly output: string;
  readonly ms: number;
}

/** Runs the command in a folder, and kills it after a while unless it ended. */
async function holdfast(folder: string, args: readonly string[], killAfterMs?: number): Promise<Ended> {
  const started = performance.now();
  const child = spawn(execPath, [COMMAND, ...args], {
    cwd: folder,
    env: { ...env, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  if (killAfterMs !== undefined) void sleep(killAfterMs).then(() => child.kill("SIGKILL"));
  const status = await ended;
  return { status, output, ms: performance.now() - started };
}

/** The run that was acknowledged: there is at most one. */
function runIn(folder: string): string | undefined {
  const runs = join(folder, ".holdfast", "runs");
  const found = existsSync(runs)
    ? readdirSync(runs).filter((run) => existsSync(join(runs, run, "run.json")))
    : [];
  assert.ok(found.length < 2, `two runs were made: ${found.join(", ")}`);
  return found[0];
}

/** Kills a run at random moments until it ends, and compares its end with that of one that nobody killed. */
async function killUntilItEnds({ write, end }: Work, kills: number): Promise<TrialOutcome> {
  if (!existsSync(join(APP, "dist")))
    return { counts: {}, skipped: "the command is not built: npm start builds it" };
  const base = mkdtempSync(join(tmpdir(), "holdfast-killed-"));
  const place = (name: string): string => {
    const folder = join(base, name);
    mkdirSync(folder);
    write(folder);
    return folder;
  };
  try {
    const whole = place("whole");
    const { status, output, ms } = await holdfast(whole, ["run", "config.yaml"]);
    assert.equal(status, 0, output);
    const wanted = end(whole, runIn(whole) ?? "");
    let [killed, runs] = [0, 0];
    for (; killed < kills; runs++) {
      const folder = place(`killed-${runs}`);
      let run: string | undefined;
      for (let isDone = false; !isDone; run = runIn(folder)) {
        // The last ones are left alone.
        const after = killed < kills ? ms * (0.3 + Math.random() * 0.8) : undefined;
        const args = run === undefined ? ["run", "config.yaml"] : ["resume", run];
        const one = await holdfast(folder, args, after);
        assert.ok(one.status === 0 || one.status === null, one.output);
        isDone = one.status === 0;
        if (!isDone) killed++;
      }
      assert.deepEqual(end(folder, run ?? ""), wanted, "it ended otherwise than a run that nobody killed");
      const verified = await holdfast(folder, ["verify"]);
      assert.equal(verified.status, 0, verified.output);
    }
    return { counts: { runs, kills: killed } };
  } finally {
    rmSync(base, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  }
}

const SIMULATION: Work = {
  write: (folder) => {
    const simulation = {
      name: "Killed",
      max_turns: 40,
      checkpoint_interval: 7,
      seed: 11,
      verbosity: "DETAIL",
    };
    const agents = ["A", "B", "C"].map((name) => ({ name, type: "nation", initial_economic_strength: 1000 }));
    const engine = { type: "economic", interest_rate: 0.05 };
    writeFileSync(
      join(folder, "config.yaml"),
      JSON.stringify({ kind: "simulation", simulation, agents, engine }),
    );
  },
  end: (folder, run) => {
    const checkpoints = join(folder, ".holdfast", "runs", run, "checkpoints");
    return readdirSync(checkpoints)
      .filter((name) => !name.startsWith(".")) // what a killed writer left
      .toSorted()
      .map((name) => {
        const { turn, state, random }: Record<string, unknown> = JSON.parse(
          readFileSync(join(checkpoints, name), "utf8"),
        );
        return { name, turn, state, random };
      });
  },
};

const artifact = (path: string): object => ({
  type: "artifact.produced",
  artifacts: [{ path, content: `${path}\n` }],
});

const WORKFLOW: Work = {
  write: (folder) => {
    const responses = {
      implement: {
        delay_ms: 40,
        events: [artifact("src/a.txt"), { type: "builder.completed", status: "success" }],
      },
      review: { delay_ms: 40, events: [{ type: "review.completed", status: "approved" }] },
      update_spec: {
        delay_ms: 40,
        events: [artifact("docs/spec.md"), { type: "spec.updated", status: "success" }],
      },
    };
    mkdirSync(join(folder, "src"));
    writeFileSync(join(folder, "script.json"), JSON.stringify({ responses }));
    const agent = (type: string): object => ({
      cmd: ["holdfast", "mock-agent", "--type", type, "--script", join(folder, "script.json")],
    });
    const agents = {
      builder: agent("builder"),
      reviewer: agent("reviewer"),
      spec_maintainer: agent("spec_maintainer"),
    };
    const tasks = [{ id: "T-1", goal: "Make a", expected_outputs: [{ path: "src/a.txt" }] }];
    const config = { kind: "workflow", name: "killed", workspace: ".", agents, tasks };
    writeFileSync(join(folder, "config.yaml"), JSON.stringify(config));
  },
  end: (folder, run) => {
    const root = join(folder, ".holdfast", "runs", run);
    const { status }: Record<string, unknown> = JSON.parse(readFileSync(join(root, "run.json"), "utf8"));
    const events = readFileSync(join(root, "ledger.ndjson"), "utf8")
      .split("\n")
      .slice(0, -1)
      .map((line): Record<string, unknown> => JSON.parse(line))
      .filter(({ kind, event }) => kind === "event" && event !== "artifact.produced" && event !== "error")
      .map(({ event }) => event);
    return { status, events, a: readFileSync(join(folder, "src/a.txt"), "utf8") };
  },
};

/** What is promised of runs of the command that are killed. */
export const RUNS: readonly Trial[] = [
  {
    name: "killed simulation",
    promise:
      "killed at random moments and resumed, a simulation ends with the same checkpoints under the same run",
    run: ({ isLong }) => killUntilItEnds(SIMULATION, isLong ? 100 : 4),
  },
  {
    name: "killed workflow",
    promise:
      "killed at random moments and resumed, a workflow ends with the same steps, none of them done twice",
    run: ({ isLong }) => killUntilItEnds(WORKFLOW, isLong ? 60 : 2),
  },
];
