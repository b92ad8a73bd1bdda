// A run for kill.test.ts, in a process of its own: says each turn, and writes down what it pays for.
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileStore } from "@holdfast/storage";
import { type Engine, resumeSimulation, runSimulation } from "../src/index.ts";
import { configOf, payingParts } from "./world.ts";

const [folder = "", runId] = process.argv.slice(2);
const paid = {
  push: (...calls: string[]) =>
    calls.map((call) => appendFileSync(join(folder, "paid.txt"), `${call}\n`)).length,
};
const parts = payingParts(paid as unknown as string[]);
const engine: Engine = {
  ...parts.engine,
  step: async (state, ctx) => {
    await sleep(3);
    return parts.engine.step(state, ctx);
  },
};
await using store = fileStore(join(folder, "store"));
const options = { store, agents: parts.agents, engine };
const config = configOf({ maxTurns: 40, interval: 5 });
process.stdout.write("ready\n");
const result =
  runId === undefined ? await runSimulation({ config, ...options }) : await resumeSimulation(runId, options);
process.stdout.write(`${JSON.stringify(result)}\n`);
