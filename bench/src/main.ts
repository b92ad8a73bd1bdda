import { readdirSync } from "node:fs";
import { argv, exit, stderr, stdout } from "node:process";
import { parseArgs } from "node:util";
import type { Benchmark, BenchmarkResult, BenchmarkRow } from "./harness.ts";

// Every other file here that exports `benchmark` is one.
const OWN = new Set(["main.ts", "harness.ts"]);

async function loadBenchmarks(): Promise<Benchmark[]> {
  const found: Benchmark[] = [];
  for (const file of readdirSync(import.meta.dirname).sort()) {
    if (!file.endsWith(".ts") || OWN.has(file)) continue;
    const module = (await import(`./${file}`)) as { benchmark?: Benchmark };
    if (module.benchmark !== undefined) found.push(module.benchmark);
  }
  return found;
}

function number(value: number): string {
  if (Math.abs(value) >= 1000) return value.toLocaleString("en-US", { maximumFractionDigits: 0 });
  return value.toPrecision(4);
}

function verdict(row: BenchmarkRow): string {
  if (row.goal === undefined) return "";
  return `${row.met === undefined ? "" : row.met ? "met: " : "NOT MET: "}${row.goal}`;
}

function table(result: BenchmarkResult): string {
  const header = ["job", "subject", "kind", "median", "unit", "ratio", "goal", "note"];
  const lines = result.rows.map((row) => [
    row.job,
    row.subject,
    row.kind,
    number(row.median),
    row.unit,
    row.ratio === undefined ? "" : row.ratio.toFixed(2),
    verdict(row),
    row.note ?? "",
  ]);
  const widths = header.map((name, column) =>
    Math.max(name.length, ...lines.map((line) => line[column]?.length ?? 0)),
  );
  const right = new Set([3, 5]);
  const format = (line: readonly string[]) =>
    line
      .map((cell, column) =>
        right.has(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join("  ")
      .trimEnd();
  return [format(header), format(widths.map((width) => "-".repeat(width))), ...lines.map(format)].join("\n");
}

const { values, positionals } = parseArgs({
  args: argv.slice(2),
  allowPositionals: true,
  options: { json: { type: "boolean", default: false }, quick: { type: "boolean", default: false } },
});
const benchmarks = await loadBenchmarks();
const unknown = positionals.filter((name) => !benchmarks.some((benchmark) => benchmark.name === name));
if (unknown.length > 0) {
  const known = benchmarks.map(({ name }) => name).join(", ");
  stderr.write(
    `No benchmark is called ${unknown.map((name) => `"${name}"`).join(", ")}; there are: ${known}\n`,
  );
  exit(2);
}
const results: BenchmarkResult[] = [];
for (const benchmark of benchmarks) {
  if (positionals.length > 0 && !positionals.includes(benchmark.name)) continue;
  if (!values.json) stderr.write(`${benchmark.name} ...\n`);
  const result = await benchmark.run({ quick: values.quick });
  results.push(result);
  if (!values.json) stdout.write(`\n${result.name}\n${table(result)}\n\n`);
}
if (values.json) stdout.write(`${JSON.stringify(results, undefined, 2)}\n`);
else {
  const { node, system, cpu, cores, memoryGiB } =
    results[0]?.environment ?? (await import("./harness.ts")).environment();
  const missed = results.flatMap(({ rows }) => rows).filter(({ met }) => met === false).length;
  stdout.write(`Node ${node}, ${system}, ${cores} x ${cpu}, ${memoryGiB} GiB. Goals not met: ${missed}.\n`);
}
