import type { BenchmarkResult, BenchmarkRow } from "./harness.ts";

/** A figure with as many digits as it is worth. */
export function figure(value: number): string {
  if (Math.abs(value) >= 1000) return value.toLocaleString("en-US", { maximumFractionDigits: 0 });
  return value.toPrecision(4);
}

/** What a row's goal came to. */
export function verdict(row: BenchmarkRow): string {
  if (row.goal === undefined) return "";
  return `${row.met === undefined ? "" : row.met ? "met: " : "NOT MET: "}${row.goal}`;
}

/** A benchmark's rows for a terminal. */
export function table(result: BenchmarkResult): string {
  const header = ["job", "subject", "kind", "median", "unit", "ratio", "goal", "note"];
  const lines = result.rows.map((row) => [
    row.job,
    row.subject,
    row.kind,
    figure(row.median),
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

/** How many rows have a goal that was measured, and how many of them meet it. */
export function countGoals(results: readonly BenchmarkResult[]): {
  readonly goals: number;
  readonly met: number;
} {
  const rows = results.flatMap((result) => result.rows).filter(({ met }) => met !== undefined);
  return { goals: rows.length, met: rows.filter(({ met }) => met === true).length };
}
