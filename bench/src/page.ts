import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BenchmarkResult, BenchmarkRow, Environment } from "./harness.ts";
import { reasonFor } from "./reasons.ts";
import { countGoals, figure } from "./table.ts";

// What the last runs found is kept beside this package, so that one benchmark can be measured again without the others; the page is made from it.
const RESULTS = join(import.meta.dirname, "..", "results.json");
const PAGE = join(import.meta.dirname, "..", "..", "docs", "performance.md");
const BEGIN = "<!-- begin: made by `npm run bench -- --write` -->";
const END = "<!-- end -->";

/** A result as it is kept: how it was measured belongs to it. */
interface KeptResult extends BenchmarkResult {
  readonly quick: boolean;
  readonly large: boolean;
}

function keptResults(): readonly KeptResult[] {
  return existsSync(RESULTS) ? JSON.parse(readFileSync(RESULTS, "utf8")) : [];
}

/** Figures with the digits that they are worth: the rest would only make every run a change of the whole file. */
function rounded(row: BenchmarkRow): BenchmarkRow {
  const median = Number(row.median.toPrecision(4));
  return row.ratio === undefined
    ? { ...row, median }
    : { ...row, median, ratio: Number(row.ratio.toFixed(3)) };
}

/**
 * Keeps results in place of older ones of the same benchmarks, and writes the tables of docs/performance.md anew.
 *
 * @param results - What was measured now.
 * @param how - Whether it was measured with less, or with more, than usual; the page says so.
 */
export function writePage(
  results: readonly BenchmarkResult[],
  how: { readonly quick: boolean; readonly large: boolean },
): void {
  const { quick, large } = how;
  const byName = new Map(keptResults().map((result) => [result.name, result]));
  for (const result of results)
    byName.set(result.name, { ...result, rows: result.rows.map(rounded), quick, large });
  const all = [...byName.values()];
  writeFileSync(RESULTS, `${JSON.stringify(all, undefined, 2)}\n`);
  const page = readFileSync(PAGE, "utf8");
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined)
    throw new Error(`"${PAGE}" lacks the marks between which the tables stand: ${BEGIN} and ${END}`);
  writeFileSync(PAGE, `${before}${BEGIN}\n\n${tables(all)}\n${END}${after}`);
}

function tables(results: readonly KeptResult[]): string {
  const { goals, met } = countGoals(results);
  const parts = [`**${met} of ${goals} rows meet their goal.**`, ...environments(results)];
  for (const result of results) parts.push(section(result));
  return `${parts.join("\n\n")}\n`;
}

function describe({ node, system, cpu, cores, memoryGiB, disk }: Environment): string {
  return `Node ${node}, ${system}, ${cores} x ${cpu}, ${memoryGiB} GiB, ${disk}`;
}

/** One line for all, unless some were measured elsewhere. */
function environments(results: readonly KeptResult[]): readonly string[] {
  const byText = new Map<string, string[]>();
  for (const { name, environment } of results) {
    const text = describe(environment);
    byText.set(text, [...(byText.get(text) ?? []), name]);
  }
  return [...byText].map(([text, names]) =>
    byText.size === 1 ? `Measured with ${text}.` : `${names.join(", ")}: ${text}.`,
  );
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("<", "&lt;");
}

function section({ name, rows, quick, large }: KeptResult): string {
  const flags = `${large ? " --large" : ""}${quick ? " --quick" : ""}`;
  const lines = rows.map((row) => {
    const { job, subject, kind, median, unit, ratio, goal, met, note } = row;
    const who =
      kind === "ours" ? `**${cell(subject)}**` : kind === "limit" ? `*${cell(subject)}*` : cell(subject);
    const verdict = met === undefined ? "" : met ? "met" : "**not met**";
    const cells = [
      cell(job),
      who,
      `${figure(median)} ${unit}`,
      ratio === undefined ? "" : ratio.toFixed(2),
      cell(goal ?? ""),
      verdict,
      cell(note ?? ""),
    ];
    return `| ${cells.join(" | ")} |`;
  });
  const misses = rows
    .filter(({ met }) => met === false)
    .map(({ job, subject }) => `- ${job}, ${subject}: ${reasonFor(name, job, subject)}`);
  return [
    `### ${name}`,
    `\`npm run bench -- ${name}${flags}\``,
    [
      "| job | subject | median | ratio | goal | | |",
      "| --- | --- | ---: | ---: | --- | --- | --- |",
      ...lines,
    ].join("\n"),
    ...(misses.length === 0 ? [] : [`Not met:\n\n${misses.join("\n")}`]),
  ].join("\n\n");
}
