import { readFileSync, statfsSync } from "node:fs";
import { arch, cpus, platform, release, tmpdir, totalmem } from "node:os";
import { version } from "node:process";

/** One line of a benchmark's table. */
export interface BenchmarkRow {
  /** What is done, for example `replace 1 KB`. */
  readonly job: string;
  /** Whose code does it. */
  readonly subject: string;
  readonly kind: "ours" | "peer" | "limit";
  /** Median of the rounds, in `unit`. */
  readonly median: number;
  readonly unit: string;
  /** Compared with the limit of the same job, in the sense that `goal` speaks of. */
  readonly ratio?: number;
  /** What quality.md asks for, in words. */
  readonly goal?: string;
  readonly met?: boolean;
  readonly note?: string;
}

/** The machine and the runtime: times mean nothing without them. */
export interface Environment {
  readonly node: string;
  readonly system: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  /** The file system that the benchmarks wrote to, as far as the system tells. */
  readonly disk: string;
}

export interface BenchmarkResult {
  readonly name: string;
  readonly rows: readonly BenchmarkRow[];
  readonly environment: Environment;
}

/**
 * What a benchmark module exports as `benchmark`. `quick`: fewer rounds and smaller input, to see that it runs. `large`: the largest
 * input that quality.md names, where that takes long.
 */
export interface Benchmark {
  readonly name: string;
  run(options: { readonly quick: boolean; readonly large?: boolean }): Promise<BenchmarkResult>;
}

export function environment(): Environment {
  const processors = cpus();
  return {
    node: version,
    system: `${platform()} ${release()} ${arch()}`,
    cpu: processors[0]?.model.trim() ?? "unknown",
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    disk: diskOf(tmpdir()),
  };
}

/** Of Linux: the kind of the mount that holds a folder, for example `ext4`. Elsewhere the number that the system calls its kind by. */
function diskOf(folder: string): string {
  try {
    const mounts = readFileSync("/proc/self/mounts", "utf8")
      .split("\n")
      .map((line) => line.split(" "))
      .filter(([, at = ""]) => at !== "" && `${folder}/`.startsWith(at.endsWith("/") ? at : `${at}/`))
      .toSorted(([, a = ""], [, b = ""]) => a.length - b.length);
    const [, , kind = ""] = mounts.at(-1) ?? [];
    return kind;
  } catch {
    return `type ${statfsSync(folder).type.toString(16)}`;
  }
}

/** One of several ways to do the same job. */
export interface Candidate {
  readonly subject: string;
  readonly kind: BenchmarkRow["kind"];
  /** Does the job once. What it returns is compared between the candidates first. */
  readonly run: (round: number) => unknown;
  /** Runs before each round, not timed. */
  readonly before?: (round: number) => unknown;
  /** Takes the place of the returned value in the comparison, after an untimed run. `undefined`: this one has nothing to compare. */
  readonly result?: () => unknown;
}

export interface CompareOptions {
  /** Timed rounds of each candidate, at most. */
  readonly rounds: number;
  /** After this time, and three rounds, no other round is begun; default 20 s. A slow machine makes fewer rounds, not a longer day. */
  readonly mostMs?: number;
  /** Untimed rounds before. */
  readonly warmup: number;
  /** The results were compared before, over a smaller input: `assertSame`. */
  readonly isChecked?: boolean;
}

const MOST_MS = 20_000;
const LEAST_ROUNDS = 3;

/** Times of one candidate, in milliseconds a round. */
export interface Measured {
  readonly subject: string;
  readonly kind: BenchmarkRow["kind"];
  readonly median: number;
  readonly p99: number;
  readonly times: readonly number[];
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  if (value === undefined) throw new RangeError("There is no quantile of nothing");
  return value;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[sorted.length >> 1];
  const lower = sorted[(sorted.length - 1) >> 1];
  if (upper === undefined || lower === undefined) throw new RangeError("There is no median of nothing");
  return (upper + lower) / 2;
}

/** The numbers 0 to count - 1 in an order that each round shuffles anew, the same in every run. */
function shuffled(count: number, round: number): number[] {
  let state = (round + 1) * 2654435761;
  const order = Array.from({ length: count }, (_, index) => index);
  for (let left = count - 1; left > 0; left--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const other = state % (left + 1);
    [order[left], order[other]] = [order[other] ?? 0, order[left] ?? 0];
  }
  return order;
}

/**
 * Runs each candidate once, untimed, and compares what they do: a wrong answer is not fast.
 *
 * @throws {Error} That names two whose results differ.
 */
export async function assertSame(candidates: readonly Candidate[]): Promise<void> {
  let expected: { subject: string; text: string } | undefined;
  for (const candidate of candidates) {
    await candidate.before?.(-1);
    const returned = await candidate.run(-1);
    const result = candidate.result === undefined ? returned : await candidate.result();
    if (result === undefined) continue;
    const text = typeof result === "string" ? result : JSON.stringify(result);
    expected ??= { subject: candidate.subject, text };
    if (text !== expected.text) {
      throw new Error(`"${candidate.subject}" does not give the same result as "${expected.subject}"`);
    }
  }
}

/**
 * Runs candidates in turn: each round all of them once, in another order, so that what disturbs the machine disturbs
 * all of them and nobody always has the same one before it. First it compares what they do.
 */
export async function compareInTurn(
  candidates: readonly Candidate[],
  options: CompareOptions,
): Promise<Measured[]> {
  const { rounds, warmup, mostMs = MOST_MS } = options;
  if (options.isChecked !== true) await assertSame(candidates);
  const times = candidates.map(() => [] as number[]);
  const began = performance.now();
  for (let round = 0; round < warmup + rounds; round++) {
    if (round >= warmup + LEAST_ROUNDS && performance.now() - began > mostMs) break;
    for (const index of shuffled(candidates.length, round)) {
      const candidate = candidates[index];
      if (candidate === undefined) continue;
      await candidate.before?.(round);
      const start = performance.now();
      await candidate.run(round);
      const time = performance.now() - start;
      if (round >= warmup) times[index]?.push(time);
    }
  }
  return candidates.map(({ subject, kind }, index) => {
    const own = times[index] ?? [];
    return { subject, kind, median: median(own), p99: quantile(own, 0.99), times: own };
  });
}

/** Median over the rounds of time(a) / time(b) within the same round: noise that hits a whole round cancels out. */
export function pairedRatio(a: Measured, b: Measured): number {
  return median(a.times.map((time, round) => time / (b.times[round] ?? Number.NaN)));
}
