import * as fs from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runSimulation } from "@holdfast/simulation";
import { fileStore } from "@holdfast/storage";
import { type Benchmark, type BenchmarkRow, compareInTurn, environment, pairedRatio } from "./harness.ts";

const JOB = "a turn of a 1 KB state";
const LIMIT = "one durable replace of 1 KB";
const OURS = "runSimulation: events written, `last` replaced";
const TWO = "two durable replaces of 1 KB";
const GOAL = "at most 2.5 of the limit";

/** What nobody can do with less. */
function replace(folder: string, name: string, text: string): void {
  const temporary = join(folder, `${name}.tmp`);
  const file = fs.openSync(temporary, "wx", 0o600);
  fs.writeSync(file, text);
  fs.fsyncSync(file);
  fs.closeSync(file);
  fs.renameSync(temporary, join(folder, name));
  const handle = fs.openSync(folder, "r");
  fs.fsyncSync(handle);
  fs.closeSync(handle);
}

/** A state of about 1 KB. */
const STATE = {
  agents: Array.from({ length: 12 }, (_, id) => ({ id, name: `agent_${id}`, wealth: id * 1.5, alive: true })),
  note: "x".repeat(300),
};

/** A simulation that makes one turn whenever it is asked to. */
async function steppedSimulation(folder: string, rounds: number) {
  const store = fileStore(folder);
  let release: (() => void) | undefined;
  let arrived: (() => void) | undefined;
  let made: (() => void) | undefined;
  const waiting = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const finished = runSimulation({
    store,
    config: {
      simulation: { name: "Bench", max_turns: rounds + 1, seed: 1, verbosity: "MILESTONE" },
      agents: [{ name: "a" }],
      engine: { type: "bench" },
    },
    engine: {
      init: () => STATE,
      step: async (state) => {
        made?.();
        await new Promise<void>((resolve) => {
          release = resolve;
          arrived?.();
        });
        return state;
      },
    },
  });
  await waiting;
  return {
    /** From the moment the engine may make its state to the moment the next turn asks for one. */
    turn: () =>
      new Promise<void>((resolve) => {
        made = resolve;
        release?.();
      }),
    end: async () => {
      made = undefined;
      release?.();
      await finished;
      await store.close();
    },
  };
}

export const benchmark: Benchmark = {
  name: "turns",
  async run({ quick }) {
    const folder = await mkdtemp(join(tmpdir(), "holdfast-bench-"));
    const rounds = quick ? 20 : 400;
    const warmup = quick ? 3 : 40;
    try {
      const text = `${JSON.stringify({ turn: 1, state: STATE }, null, 2)}\n`;
      for (const name of ["limit", "two", "settle"]) fs.mkdirSync(join(folder, name));
      const simulation = await steppedSimulation(join(folder, "store"), rounds + warmup + 1);
      const settle = () => replace(join(folder, "settle"), "settle", "settle");
      const measured = await compareInTurn(
        [
          {
            subject: LIMIT,
            kind: "limit",
            before: settle,
            run: () => replace(join(folder, "limit"), "last.json", text),
            result: () => undefined,
          },
          {
            subject: TWO,
            kind: "peer",
            before: settle,
            run: () => {
              replace(join(folder, "two"), "last.json", text);
              replace(join(folder, "two"), "run.json", text);
            },
            result: () => undefined,
          },
          {
            subject: OURS,
            kind: "ours",
            before: settle,
            run: () => simulation.turn(),
            result: () => undefined,
          },
        ],
        { rounds, warmup, mostMs: Number.POSITIVE_INFINITY }, // the simulation has as many turns
      );
      await simulation.end();
      const [limit] = measured;
      const rows = measured.map((one): BenchmarkRow => {
        const ratio = limit === undefined ? 1 : pairedRatio(one, limit);
        const goal = one.kind === "ours" ? { goal: GOAL, met: ratio <= 2.5 } : {};
        return {
          job: JOB,
          subject: one.subject,
          kind: one.kind,
          median: one.median,
          unit: "ms",
          ratio,
          ...goal,
          note: `p99 ${one.p99.toFixed(2)}`,
        };
      });
      return { name: "turns", rows, environment: environment() };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};
