import { argv, exit, stderr, stdout } from "node:process";
import { parseArgs } from "node:util";
import { exploreCrashes, exploreFaults } from "@holdfast/crash-kit";
import type { Feature } from "./feature.ts";
import { FILES } from "./features/files.ts";
import { LOGS } from "./features/logs.ts";
import { RECORDS } from "./features/records.ts";
import { STORE } from "./features/store.ts";

const FEATURES: readonly Feature[] = [...FILES, ...LOGS, ...STORE, ...RECORDS];

interface Line {
  readonly name: string;
  readonly operations: number;
  readonly states: number;
  readonly nested: number;
  readonly faults: number;
  readonly problem?: string;
}

async function explore({ name, work }: Feature, isLong: boolean): Promise<Line> {
  const budget = isLong ? { states: 10_000, nested: 1_000 } : { states: 1_000, nested: 100 };
  let counts = { operations: 0, states: 0, nested: 0, faults: 0 };
  try {
    counts = { ...counts, ...(await exploreCrashes({ ...work, budget })) };
    const { faults, states } = await exploreFaults(work);
    return { name, ...counts, states: counts.states + states, faults };
  } catch (error) {
    return { name, ...counts, problem: error instanceof Error ? error.message : String(error) };
  }
}

const { values, positionals } = parseArgs({
  args: argv.slice(2),
  options: { long: { type: "boolean", default: false } },
  allowPositionals: true,
});
let bad = 0;
for (const one of FEATURES.filter(({ name }) => positionals.every((part) => name.includes(part)))) {
  const started = performance.now();
  const { name, operations, states, nested, faults, problem } = await explore(one, values.long);
  const seconds = ((performance.now() - started) / 1_000).toFixed(1);
  stdout.write(
    `${problem === undefined ? "ok " : "BAD"} ${name}: ${operations} operations, ${states} states, ${nested} nested, ${faults} faults, ${seconds} s\n`,
  );
  if (problem !== undefined) {
    bad += 1;
    stderr.write(`${problem}\n`);
  }
}
exit(bad === 0 ? 0 : 1);
