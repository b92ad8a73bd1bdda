import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { env, execPath, stderr } from "node:process";
import { GROWTH_JOBS, type GrowthJob } from "./growth/jobs.ts";
import { type Benchmark, type BenchmarkRow, environment } from "./harness.ts";

/** Ten times the items may take this many times the processor's time for each: log n, and what the machine's noise adds. Were it n squared, it would be ten. */
const MOST_TIMES = 2;
/** What counts as no growth of what is held, in MiB. */
const MOST_MIB = 8;
const MIB = 1024 * 1024;
/** As many events as a very long run has. */
const EXTRAPOLATED = 100_000_000;

/** What there is in a folder: how many files of how many bytes. */
interface Contents {
  readonly files: number;
  readonly bytes: number;
}

interface Measurement extends Contents {
  readonly count: number;
  readonly ms: number;
  /** Of all processors. Disks and neighbours move the time more than the number of items does. */
  readonly cpuMs: number;
  /** What was left when garbage was collected, at most, in bytes. */
  readonly held: number;
  /** The most that the resident memory of its process grew by, in bytes. */
  readonly grown: number;
}

function contentsOf(folder: string): Contents {
  let [files, bytes] = [0, 0];
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    files++;
    bytes += statSync(join(entry.parentPath, entry.name)).size;
  }
  return { files, bytes };
}

/**
 * Does a job in a process of its own.
 *
 * @param compiled - Folder that keeps what Node made of the sources: half of the time of a process that does little.
 */
function measure(job: GrowthJob, root: string, count: number, compiled: string): Measurement {
  job.prepare?.(root, count);
  const before = contentsOf(root);
  const program = join(import.meta.dirname, "growth", "process.ts");
  const args = ["--conditions=holdfast-source", "--expose-gc", program, job.name, root, String(count)];
  const answer: Pick<Measurement, "ms" | "cpuMs" | "held" | "grown"> & { readonly seen: number } = JSON.parse(
    execFileSync(execPath, args, { encoding: "utf8", env: { ...env, NODE_COMPILE_CACHE: compiled } }),
  );
  if (answer.seen !== count) throw new Error(`"${job.name}" saw ${answer.seen} of ${count} ${job.items}`);
  const after = contentsOf(root);
  const written = { files: after.files - before.files, bytes: after.bytes - before.bytes };
  const { ms, cpuMs, held, grown } = answer;
  return { count, ms, cpuMs, held, grown, ...written };
}

function noteOf({ count, files, bytes, held, grown }: Measurement, of: Measurement | undefined): string {
  const parts = [`holds ${(held / MIB).toFixed(0)} MiB (resident +${(grown / MIB).toFixed(0)})`];
  if (of !== undefined) parts.unshift(`${(bytes / count).toFixed(0)} bytes each, ${files} files`);
  return parts.join("; ");
}

function rowsOf(job: GrowthJob, measurements: readonly Measurement[]): BenchmarkRow[] {
  const [, middle, last] = measurements;
  return measurements.map((one): BenchmarkRow => {
    const row: BenchmarkRow = {
      job: job.name,
      subject: `${one.count.toLocaleString("en-US")} ${job.items}`,
      kind: "ours",
      median: (one.ms / one.count) * 1000,
      unit: "us each",
      note: noteOf(one, one.bytes > 0 ? one : undefined),
    };
    if (one !== last || middle === undefined) return row;
    const times = one.cpuMs / one.count / (middle.cpuMs / middle.count);
    const more = (one.held - middle.held) / MIB;
    const goal = `each at most ${MOST_TIMES} times the work of a tenth of them`;
    if (!job.isFlat) return { ...row, ratio: times, goal, met: times <= MOST_TIMES };
    return {
      ...row,
      ratio: times,
      goal: `${goal}; holds at most ${MOST_MIB} MiB more`,
      met: times <= MOST_TIMES && more <= MOST_MIB,
    };
  });
}

/** What the longest runs would take, if each item goes on to cost what it costs in the largest that was measured. */
function extrapolated(job: GrowthJob, { count, ms, bytes }: Measurement): BenchmarkRow {
  const size = bytes > 0 ? `${((bytes / count) * (EXTRAPOLATED / 1e9)).toFixed(0)} GB; ` : "";
  return {
    job: `${job.name}, not measured`,
    subject: `${EXTRAPOLATED.toLocaleString("en-US")} ${job.items}`,
    kind: "ours",
    median: (ms / count) * (EXTRAPOLATED / 60_000),
    unit: "minutes",
    note: `${size}extrapolated from ${count.toLocaleString("en-US")}`,
  };
}

/** Each job with 1, 10 and 100 times its items: whether its cost for each, and its memory, stay. */
export const benchmark: Benchmark = {
  name: "growth",
  async run({ quick }) {
    const rows: BenchmarkRow[] = [];
    const roots = [1, 10, 100].map((times) => ({
      times: quick ? times / 10 : times,
      root: mkdtempSync(join(tmpdir(), `holdfast-bench-growth-${times}-`)),
    }));
    const compiled = mkdtempSync(join(tmpdir(), "holdfast-bench-compiled-"));
    try {
      for (const job of GROWTH_JOBS) {
        const measurements: Measurement[] = [];
        try {
          for (const { times, root } of roots)
            measurements.push(measure(job, root, Math.ceil(job.first * times), compiled));
        } catch (error) {
          // The others are worth having all the same.
          stderr.write(`${String(error)}\n`);
          rows.push({
            job: job.name,
            subject: "failed",
            kind: "ours",
            median: 0,
            unit: "",
            goal: "to end",
            met: false,
          });
          continue;
        }
        rows.push(...rowsOf(job, measurements));
        const last = measurements.at(-1);
        if (job.items === "events" && last !== undefined) rows.push(extrapolated(job, last));
      }
      return { name: "growth", rows, environment: environment() };
    } finally {
      for (const root of [...roots.map((each) => each.root), compiled])
        rmSync(root, { recursive: true, force: true });
    }
  },
};
