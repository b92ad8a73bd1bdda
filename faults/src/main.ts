import { readFileSync } from "node:fs";
import { join } from "node:path";
import { argv, exit, stderr, stdout } from "node:process";
import { parseArgs } from "node:util";
import { exploreCrashes, exploreFaults } from "@holdfast/crash-kit";
import { writeFileAtomic } from "@holdfast/fsutil";
import type { Feature } from "./feature.ts";
import { FILES } from "./features/files.ts";
import { JOBS } from "./features/jobs.ts";
import { LOGS } from "./features/logs.ts";
import { RECORDS } from "./features/records.ts";
import { SIMULATIONS } from "./features/simulations.ts";
import { STORE } from "./features/store.ts";
import { TASKS } from "./features/tasks.ts";
import { type ExploredFeature, lineOf, tableOf, totalOf } from "./report.ts";

const FEATURES: readonly Feature[] = [
  ...FILES,
  ...LOGS,
  ...STORE,
  ...RECORDS,
  ...SIMULATIONS,
  ...TASKS,
  ...JOBS,
];
const PAGE = join(import.meta.dirname, "../../docs/guarantees.md");
const START = "<!-- explored -->";
const END = "<!-- /explored -->";

async function explore({ name, promise, work }: Feature, isLong: boolean): Promise<ExploredFeature> {
  const budget = isLong ? { states: 10_000, nested: 1_000 } : { states: 1_000, nested: 100 };
  const started = performance.now();
  const seconds = (): number => (performance.now() - started) / 1_000;
  const none = { name, promise, operations: 0, states: 0, nested: 0, faults: 0 };
  try {
    const crashes = await exploreCrashes({ ...work, budget });
    const faults = await exploreFaults(work);
    const states = crashes.states + faults.states;
    return { ...none, ...crashes, states, faults: faults.faults, seconds: seconds() };
  } catch (error) {
    return { ...none, seconds: seconds(), problem: error instanceof Error ? error.message : String(error) };
  }
}

/** Puts what was seen into the page of guarantees. */
async function writePage(explored: readonly ExploredFeature[], command: string): Promise<void> {
  const page = readFileSync(PAGE, "utf8");
  const [before, after] = [page.indexOf(START), page.indexOf(END)];
  if (before < 0 || after < before)
    throw new Error(`"${PAGE}" lacks the place for the table: ${START} ... ${END}`);
  const seen = `\n\n\`${command}\`: ${totalOf(explored)}.\n\n${tableOf(explored)}\n\n`;
  await writeFileAtomic(PAGE, page.slice(0, before + START.length) + seen + page.slice(after), {
    mode: 0o644,
  });
}

const { values, positionals } = parseArgs({
  args: argv.slice(2),
  options: {
    long: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
  allowPositionals: true,
});
const explored: ExploredFeature[] = [];
for (const one of FEATURES.filter(({ name }) => positionals.every((part) => name.includes(part)))) {
  const found = await explore(one, values.long);
  explored.push(found);
  stdout.write(`${lineOf(found)}\n`);
  if (found.problem !== undefined) stderr.write(`${found.problem}\n`);
}
stdout.write(`${totalOf(explored)}\n`);
if (values.write) await writePage(explored, `npm run check:faults${values.long ? " -- --long" : ""}`);
exit(explored.length > 0 && explored.every(({ problem }) => problem === undefined) ? 0 : 1);
