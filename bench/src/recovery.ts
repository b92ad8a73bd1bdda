import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execPath } from "node:process";
import { type Benchmark, type BenchmarkRow, environment, median } from "./harness.ts";

const MIB = 1024 * 1024;
const PROGRAM = join(import.meta.dirname, "recovery", "process.ts");
/** A process of Node that has loaded the packages has some 115 MiB before it does anything. */
const MOST_GROWN_MIB = 128;
const MOST_MS = 2_000;

interface Answer {
  readonly ms: number;
  /** Of all processors: where others use the machine, time says more of them. */
  readonly cpuMs: number;
  readonly before: number;
  readonly peak: number;
}

function inProcess(job: string, root: string, lines = 0): string {
  const args = ["--conditions=holdfast-source", "--expose-gc", PROGRAM, job, root, String(lines)];
  const { status, signal, stdout, stderr } = spawnSync(execPath, args, { encoding: "utf8" });
  if (job === "write" ? signal !== "SIGKILL" : status !== 0)
    throw new Error(`${job} of ${lines} lines ended with ${signal ?? status}: ${stderr}`);
  return stdout;
}

/** Does a job several times, each in a process of its own. */
function repeat(
  job: string,
  root: string,
  rounds: number,
): { readonly ms: number; readonly cpuMs: number; readonly grownMib: number } {
  const answers = Array.from({ length: rounds }, (): Answer => JSON.parse(inProcess(job, root)));
  return {
    ms: median(answers.map(({ ms }) => ms)),
    cpuMs: median(answers.map(({ cpuMs }) => cpuMs)),
    grownMib: median(answers.map(({ before, peak }) => (peak - before) / MIB)),
  };
}

const WORDS: Readonly<Record<string, string>> = {
  resume: "resume until the agent is asked again",
  describe: "status",
  verify: "verify all of it",
};

function rowsOf(lines: number, root: string, job: string, rounds: number): BenchmarkRow[] {
  const { ms, cpuMs, grownMib } = repeat(job, root, rounds);
  const name = `${WORDS[job]}, killed after ${lines.toLocaleString("en")} lines`;
  const isBounded = job !== "verify";
  return [
    {
      job: name,
      subject: "workflow",
      kind: "ours",
      median: ms,
      unit: "ms",
      ...(isBounded && { goal: "under 2 s, whatever the length", met: ms < MOST_MS }),
      note: isBounded
        ? `${cpuMs.toFixed(0)} ms of the processor`
        : `${((cpuMs * 1_000) / lines).toFixed(1)} microseconds of the processor a line`,
    },
    {
      job: `${name}, memory`,
      subject: "workflow",
      kind: "ours",
      median: grownMib,
      unit: "MiB above an idle process",
      goal: `at most ${MOST_GROWN_MIB} MiB, whatever the length`,
      met: grownMib <= MOST_GROWN_MIB,
    },
  ];
}

/** A run is killed in the middle of a step that has said much, and taken up again. */
export const benchmark: Benchmark = {
  name: "recovery",
  run: async ({ quick, large = false }) => {
    const sizes = quick ? [10_000, 100_000] : [10_000, 100_000, 1_000_000];
    if (large) sizes.push(10_000_000);
    const rows: BenchmarkRow[] = [];
    for (const lines of sizes) {
      const root = mkdtempSync(join(tmpdir(), "holdfast-bench-"));
      try {
        inProcess("write", root, lines);
        const rounds = quick ? 1 : 3;
        rows.push(...rowsOf(lines, root, "describe", rounds), ...rowsOf(lines, root, "resume", rounds));
        if (lines <= 1_000_000) rows.push(...rowsOf(lines, root, "verify", 1));
      } finally {
        rmSync(root, { recursive: true });
      }
    }
    return { name: "recovery", rows, environment: environment() };
  },
};
