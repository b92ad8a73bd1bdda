import { argv, exit, stderr, stdout } from "node:process";
import { parseArgs } from "node:util";
import { type BenchmarkResult, environment } from "./harness.ts";
import { writePage } from "./page.ts";
import { benchmarkNames, type Failure, loadBenchmark, runApart } from "./run-benchmarks.ts";
import { countGoals, table } from "./table.ts";

const { values, positionals } = parseArgs({
  args: argv.slice(2),
  allowPositionals: true,
  options: {
    json: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    large: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
    // In this process: for profilers, and what the other ways are made of.
    here: { type: "boolean", default: false },
  },
});

async function run(name: string): Promise<BenchmarkResult | Failure> {
  if (!values.here) return runApart(name, values);
  const benchmark = await loadBenchmark(name);
  if (benchmark === undefined) throw new Error(`"${name}" is no benchmark`);
  return benchmark.run(values);
}

/** Asked for by name, none of the others is loaded. */
async function chosenNames(): Promise<readonly string[]> {
  if (values.here && positionals.length > 0) return positionals;
  const names = await benchmarkNames();
  const unknown = positionals.filter((name) => !names.includes(name));
  if (unknown.length > 0) {
    const quoted = unknown.map((name) => `"${name}"`).join(", ");
    stderr.write(`No benchmark is called ${quoted}; there are: ${names.join(", ")}\n`);
    exit(2);
  }
  return positionals.length > 0 ? positionals : names;
}

const results: BenchmarkResult[] = [];
const failures: Failure[] = [];
const began = performance.now();
for (const name of await chosenNames()) {
  if (!values.here) stderr.write(`${name} ... `);
  const start = performance.now();
  const result = await run(name);
  if (!values.here) stderr.write(`${((performance.now() - start) / 1000).toFixed(0)} s\n`);
  if ("reason" in result) {
    failures.push(result);
    stderr.write(`${name} failed: ${result.reason}\n`);
    continue;
  }
  results.push(result);
  if (!values.json) stdout.write(`\n${result.name}\n${table(result)}\n\n`);
}
if (values.json) stdout.write(`${JSON.stringify(results, undefined, 2)}\n`);
else {
  const { node, system, cpu, cores, memoryGiB } = results[0]?.environment ?? environment();
  const { goals, met } = countGoals(results);
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  stdout.write(`Node ${node}, ${system}, ${cores} x ${cpu}, ${memoryGiB} GiB, ${seconds} s.\n`);
  for (const { rows, name } of results) {
    for (const { job, subject, met: isMet } of rows)
      if (isMet === false) stdout.write(`not met: ${name}: ${job}: ${subject}\n`);
  }
  for (const { name } of failures) stdout.write(`not measured: ${name}\n`);
  stdout.write(`${met} of ${goals} rows meet their goal.\n`);
}
if (values.write) writePage(results, values);
if (failures.length > 0) process.exitCode = 1;
