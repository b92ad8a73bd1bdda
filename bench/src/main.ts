import { readdirSync } from "node:fs";
import { argv, exit, stderr, stdout } from "node:process";
import { parseArgs } from "node:util";
import type { Benchmark, BenchmarkResult, BenchmarkRow } from "./harness.ts";

// Every other file here is a benchmark, called as its file is.
const OWN = new Set(["main.ts", "harness.ts"]);
const NAMES = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith(".ts") && !OWN.has(file))
  .map((file) => file.slice(0, -".ts".length))
  .toSorted();

async function loadBenchmark(name: string): Promise<Benchmark | undefined> {
  const module: { readonly benchmark?: Benchmark } = await import(`./${name}.ts`);
  return module.benchmark;
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
  options: {
    json: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    large: { type: "boolean", default: false },
  },
});
const unknown = positionals.filter((name) => !NAMES.includes(name));
if (unknown.length > 0) {
  stderr.write(
    `No benchmark is called ${unknown.map((name) => `"${name}"`).join(", ")}; there are: ${NAMES.join(", ")}\n`,
  );
  exit(2);
}
const results: BenchmarkResult[] = [];
for (const name of positionals.length > 0 ? positionals : NAMES) {
  const benchmark = await loadBenchmark(name);
  if (benchmark === undefined) continue; // what several of them share
  if (!values.json) stderr.write(`${benchmark.name} ...\n`);
  const result = await benchmark.run({ quick: values.quick, large: values.large });
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
