import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import process from "node:process";
import { runTrial, type Trial, type TrialOptions, type TrialResult } from "./trial.ts";

/** How {@link runTrials} runs them. */
export interface RunTrialsOptions extends TrialOptions {
  /** The program that is started for each core; it calls {@link serveTrials}. */
  readonly program: string;
  readonly onResult: (result: TrialResult) => void;
}

/** Runs trials in one process for each core, and gives all results in the order of the trials. */
export async function runTrials(
  trials: readonly Trial[],
  { program, onResult, isLong }: RunTrialsOptions,
): Promise<readonly TrialResult[]> {
  const twice = trials.find(({ name }, index) => trials.findIndex((one) => one.name === name) !== index);
  if (twice !== undefined) throw new RangeError(`Two trials are called "${twice.name}"`);
  const results = new Map<Trial, TrialResult>();
  const waiting = [...trials];
  const lane = async (): Promise<void> => {
    let worker: ChildProcess | undefined;
    for (let trial = waiting.shift(); trial !== undefined; trial = waiting.shift()) {
      if (worker?.connected !== true) worker = fork(program);
      const result = await resultOf(worker, trial, { isLong });
      results.set(trial, result);
      onResult(result);
    }
    worker?.disconnect();
  };
  await Promise.all(Array.from({ length: availableParallelism() }, lane));
  return trials.flatMap((trial) => results.get(trial) ?? []);
}

/** What a worker answers; that it died while it tried is a problem too. */
async function resultOf(
  worker: ChildProcess,
  { name, promise }: Trial,
  options: TrialOptions,
): Promise<TrialResult> {
  const started = performance.now();
  const done = new AbortController();
  const died = once(worker, "exit", { signal: done.signal }).then(([code, signal]): TrialResult => {
    const problem = `the process that tried it ended with ${String(signal ?? code)}`;
    return { name, promise, counts: {}, seconds: (performance.now() - started) / 1_000, problem };
  });
  died.catch(() => undefined);
  const answered = once(worker, "message", { signal: done.signal }).then(([result]) => result as TrialResult);
  answered.catch(() => undefined);
  worker.send({ name, options });
  try {
    return await Promise.race([answered, died]);
  } finally {
    done.abort();
  }
}

/** Runs the trials that the parent names, one after the other, until it lets go. */
export function serveTrials(trials: readonly Trial[]): void {
  process.on("message", (asked: { readonly name: string; readonly options: TrialOptions }) => {
    const trial = trials.find(({ name }) => name === asked.name);
    if (trial === undefined) throw new RangeError(`There is no trial "${asked.name}"`);
    void runTrial(trial, asked.options).then((result) => process.send?.(result));
  });
  process.on("disconnect", () => process.exit());
}
