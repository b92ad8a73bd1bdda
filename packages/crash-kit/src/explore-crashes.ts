import type { FileSystem } from "@holdfast/fsutil";
import type { DiskModel } from "./durable-operations.ts";
import { Exploration } from "./exploration.ts";
import { recordWork } from "./recorded-work.ts";
import { seededRandom } from "./seeded-random.ts";

/** What a workload is given. */
export interface Workload<Fact> {
  /** The disk. Everything the workload writes must go through it. */
  readonly fileSystem: FileSystem;
  /** Says that something was begun: after a crash it may be there, or not, or as the check allows. */
  readonly begin: (fact: Fact) => void;
  /** Says that something was acknowledged: after a crash it must be there. */
  readonly acknowledge: (fact: Fact) => void;
}

/** What a check is given, after the recovery. */
export interface Aftermath<Fact, Recovered> {
  readonly recovered: Recovered;
  /** The disk, as the recovery left it. */
  readonly fileSystem: FileSystem;
  /** What was begun before the crash, in order. */
  readonly begun: readonly Fact[];
  /** What was acknowledged before the crash, in order. */
  readonly acknowledged: readonly Fact[];
}

/** How far to look. */
export interface CrashBudget {
  /** Distinct states of crashed work, at most for each model. Default 2,000. */
  readonly states?: number;
  /** Distinct states of crashed recoveries, at most for each model. Default 200. */
  readonly nested?: number;
}

/** Options of {@link exploreCrashes}. */
export interface ExploreCrashesOptions<Fact, Recovered> {
  /** Makes what is there before; all of it is durable. */
  readonly setup?: (fileSystem: FileSystem) => Promise<void> | void;
  /** The work that crashes interrupt. It is done once, and must do the same each time. */
  readonly workload: (workload: Workload<Fact>) => Promise<void> | void;
  /** What a program does when it starts again. It runs on every state. */
  readonly recover: (fileSystem: FileSystem) => Promise<Recovered> | Recovered;
  /** Throws when a promise is broken. */
  readonly check: (aftermath: Aftermath<Fact, Recovered>) => Promise<void> | void;
  /** Default: both. */
  readonly model?: DiskModel | readonly DiskModel[];
  readonly budget?: CrashBudget;
  /** A number chooses the random states (default 1); the seed of a {@link BadStateError} looks at its state alone. */
  readonly seed?: number | string;
  /** How long a recovery and its check may take, in milliseconds; default 10,000. */
  readonly timeoutMs?: number;
}

/** What an exploration looked at. */
export interface CrashReport {
  /** Changes and syncs that the workload made: a crash was tried before, between and after them. */
  readonly operations: number;
  /** Distinct states that crashes of the workload left, over all models. */
  readonly states: number;
  /** Distinct states that crashes of a recovery left, over all models. */
  readonly nested: number;
}

/**
 * Does a piece of work once on a simulated disk, then cuts the power before, between and after all its operations, makes the states that a
 * real disk may be in, runs the recovery on each distinct one, and checks it; and again with crashes inside the recovery.
 *
 * @returns How much was looked at.
 * @throws {BadStateError} `CRASH_BAD_STATE` for the first state that is bad, after it was made as simple as possible, with its story and seed.
 * @throws {CrashError} `CRASH_WORKLOAD`, `CRASH_SEED`.
 */
export async function exploreCrashes<Fact, Recovered>(
  options: ExploreCrashesOptions<Fact, Recovered>,
): Promise<CrashReport> {
  const { model = ["posix", "ordered"], seed = 1 } = options;
  const exploration = new Exploration(options, await recordWork(options));
  if (typeof seed === "string") return exploration.reproduce(seed);
  for (const one of typeof model === "string" ? [model] : model)
    await exploration.explore(one, seededRandom(seed));
  return exploration.report;
}
