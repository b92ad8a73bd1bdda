import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { execPath } from "node:process";
import type { Benchmark, BenchmarkResult } from "./harness.ts";

/** How each benchmark is run. */
export interface RunOptions {
  readonly quick: boolean;
  readonly large: boolean;
}

/** A benchmark that did not come to its end, and why. */
export interface Failure {
  readonly name: string;
  readonly reason: string;
}

/** In the order in which the page tells them; others follow by name. */
const ORDER = [
  "atomic-write",
  "append",
  "emit",
  "replay",
  "recovery",
  "query",
  "snapshot",
  "checksum",
  "canonical-json",
  "checkpoint",
  "turns",
  "startup",
  "server",
  "growth",
];
// Every other file here that exports `benchmark` is one, called as its file is.
const OWN = new Set(["main.ts"]);
/** No benchmark takes nearly as long; one that hangs must not cost what the others measured. */
const MOST_MS = 10 * 60_000;

function place(name: string): number {
  const index = ORDER.indexOf(name);
  return index === -1 ? ORDER.length : index;
}

/** Loads a benchmark; `undefined` for a file that is none. */
export async function loadBenchmark(name: string): Promise<Benchmark | undefined> {
  const module: { readonly benchmark?: Benchmark } = await import(`./${name}.ts`);
  return module.benchmark;
}

/** The names of all benchmarks. */
export async function benchmarkNames(): Promise<readonly string[]> {
  const files = readdirSync(import.meta.dirname).filter((file) => file.endsWith(".ts") && !OWN.has(file));
  const names = files.map((file) => file.slice(0, -".ts".length));
  const found: string[] = [];
  for (const name of names) if ((await loadBenchmark(name)) !== undefined) found.push(name);
  return found.toSorted((a, b) => place(a) - place(b) || (a < b ? -1 : 1));
}

/**
 * Runs one benchmark in a process of its own, so that none finds the heap, the compiled code or the open files of the one before it, and one that
 * fails takes nothing with it.
 */
export async function runApart(
  name: string,
  { quick, large }: RunOptions,
): Promise<BenchmarkResult | Failure> {
  const flags = [...(quick ? ["--quick"] : []), ...(large ? ["--large"] : [])];
  const program = join(import.meta.dirname, "main.ts");
  const child = spawn(
    execPath,
    ["--conditions=holdfast-source", program, name, "--here", "--json", ...flags],
    {
      stdio: ["ignore", "pipe", "pipe"],
      timeout: large ? 6 * MOST_MS : MOST_MS,
    },
  );
  const output: Buffer[] = [];
  const said: Buffer[] = [];
  child.stdout.on("data", (bytes: Buffer) => output.push(bytes));
  child.stderr.on("data", (bytes: Buffer) => said.push(bytes));
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (...ended) => resolve(ended));
  });
  const last = Buffer.concat(said).toString("utf8").trim().slice(-1500);
  if (code !== 0) return { name, reason: `${signal ?? `status ${code}`}: ${last}` };
  const results: readonly BenchmarkResult[] = JSON.parse(Buffer.concat(output).toString("utf8"));
  return results[0] ?? { name, reason: "it gave no result" };
}
