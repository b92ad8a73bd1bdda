import { join } from "node:path";
import { argv, exit, stderr, stdout } from "node:process";
import { parseArgs } from "node:util";
import { keepResult, keptResults } from "./kept-results.ts";
import { lineOf, sectionOf, totalOf } from "./report.ts";
import { runTrials } from "./run-trials.ts";
import { SECTIONS } from "./sections.ts";
import type { Section, TrialResult } from "./trial.ts";
import { writePage } from "./write-page.ts";

const PAGE = join(import.meta.dirname, "../../docs/guarantees.md");
const { values, positionals } = parseArgs({
  args: argv.slice(2).filter((arg) => arg !== "--"),
  options: {
    long: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
  allowPositionals: true,
});
const started = performance.now();
// Words of a trial's name, or of its section's title, choose it.
const trials = SECTIONS.flatMap(({ title, trials: all }) =>
  all.filter(({ name }) => positionals.every((part) => `${title}: ${name}`.includes(part))),
);
const results = await runTrials(trials, {
  isLong: values.long,
  program: join(import.meta.dirname, "worker.ts"),
  onResult: (result) => {
    stdout.write(`${lineOf(result)}\n`);
    if (result.problem !== undefined) stderr.write(`${result.problem}\n`);
    if (values.write) keepResult(result, values.long);
  },
});
const of = ({ trials: own }: Section): TrialResult[] =>
  results.filter(({ name }) => own.some((trial) => trial.name === name));
const seen = SECTIONS.filter((section) => of(section).length > 0);
for (const section of seen) stdout.write(`${section.title}: ${totalOf(section, of(section))}\n`);
const minutes = (performance.now() - started) / 60_000;
stdout.write(`${results.length} rows in ${minutes.toFixed(1)} minutes\n`);
if (values.write) {
  const kept = keptResults();
  await writePage(PAGE, SECTIONS.map((section) => sectionOf(section, kept)).join("\n\n"));
}
exit(results.length > 0 && results.every(({ problem }) => problem === undefined) ? 0 : 1);
