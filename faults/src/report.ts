import type { KeptResult } from "./kept-results.ts";
import type { Section, TrialOutcome, TrialResult } from "./trial.ts";

const number = (value: number): string => value.toLocaleString("en-US");
const cellOf = (count: number | undefined): string => (count === undefined ? "" : number(count));

/** A result as a line for a terminal. */
export function lineOf({ name, counts, seconds, problem, skipped }: TrialResult): string {
  const verdict = problem !== undefined ? "BAD" : skipped === undefined ? "ok " : "-- ";
  const counted = Object.entries(counts).map(([of, count]) => `${number(count)} ${of}`);
  return `${verdict} ${name}: ${[...counted, ...(skipped === undefined ? [] : [`skipped: ${skipped}`]), `${seconds.toFixed(1)} s`].join(", ")}`;
}

/** What the trials of a section come to, in one line. */
export function totalOf({ columns }: Section, results: readonly TrialOutcome[]): string {
  const sums = columns.map(
    (of) => `${number(results.reduce((sum, { counts }) => sum + (counts[of] ?? 0), 0))} ${of}`,
  );
  const bad = results.filter(({ problem }) => problem !== undefined).length;
  const skipped = results.filter((result) => result.skipped !== undefined).length;
  const rows = `${number(results.length)} ${results.length === 1 ? "row" : "rows"}`;
  return [rows, ...sums, `${bad} bad`, ...(skipped > 0 ? [`${skipped} skipped`] : [])].join(", ");
}

/** How the rows of a section were seen, as a person can see them again. */
function commandOf(results: readonly KeptResult[]): string {
  const short = results.filter(({ isLong }) => !isLong).map(({ name }) => name);
  if (short.length === results.length) return "`npm run check:faults`";
  const rest = short.length === 0 ? "" : `; without \`--long\`: ${short.join(", ")}`;
  return `\`npm run check:faults -- --long\`${rest}`;
}

/** A section of docs/guarantees.md: its heading, what it is about, its total and its table, of the trials that have results. */
export function sectionOf(section: Section, kept: ReadonlyMap<string, KeptResult>): string {
  const { title, about, columns, trials } = section;
  const results = trials.flatMap(({ name }) => kept.get(name) ?? []);
  const rows = trials.flatMap(({ name, promise }) => {
    const result = kept.get(name);
    if (result === undefined) return [];
    const { counts, skipped } = result;
    const told = skipped === undefined ? promise : `${promise} (not tried here: ${skipped})`;
    return [`| ${name} | ${told} | ${columns.map((of) => cellOf(counts[of])).join(" | ")} |`];
  });
  const head = ["what", "promise", ...columns];
  return [
    `### ${title}`,
    "",
    about,
    "",
    `In all: ${totalOf(section, results)}. Seen by ${commandOf(results)}.`,
    "",
    `| ${head.join(" | ")} |`,
    `| ${head.map((_, index) => (index < 2 ? "---" : "---:")).join(" | ")} |`,
    ...rows,
  ].join("\n");
}
