/** How a trial is asked to run. */
export interface TrialOptions {
  /** Whether to look about ten times as far, for minutes instead of seconds. */
  readonly isLong: boolean;
}

/** What a trial looked at. */
export interface TrialOutcome {
  /** How much of what was looked at, by the names of the section's columns. What is not counted is left out. */
  readonly counts: Readonly<Record<string, number>>;
  /** What is bad, in words a person can act on: what broke, where, and how to see it again. Left out when nothing is. */
  readonly problem?: string;
  /** Why nothing was tried on this machine (a program or a right is missing). It is shown, and is not a failure. */
  readonly skipped?: string;
}

/**
 * One promise that is tried again and again: a row of a table in docs/guarantees.md.
 *
 * It runs in a process of its own kind, one after the other there, with others beside it: it must not depend on being alone, on a fixed port,
 * on the time of day or on the machine's speed; it makes its folders under the system's temporary one and takes them away.
 * What it throws counts as its problem. The short form has seconds, not minutes: all trials together have 100 s of two cores.
 */
export interface Trial {
  /** Short and unique among all trials; a word of it on the command line chooses it. */
  readonly name: string;
  /** What is promised, in one sentence. */
  readonly promise: string;
  readonly run: (options: TrialOptions) => Promise<TrialOutcome>;
}

/** Trials of one kind: a table of docs/guarantees.md. */
export interface Section {
  /** Heading of the table. */
  readonly title: string;
  /** What the counts mean, in one or two sentences, above the table. */
  readonly about: string;
  /** Names of the counts, as the columns say them, in their order. */
  readonly columns: readonly string[];
  readonly trials: readonly Trial[];
}

/** What a trial came to. */
export interface TrialResult extends TrialOutcome {
  readonly name: string;
  readonly promise: string;
  readonly seconds: number;
}

/** Runs a trial; what it throws is its problem. */
export async function runTrial({ name, promise, run }: Trial, options: TrialOptions): Promise<TrialResult> {
  const started = performance.now();
  const seconds = (): number => (performance.now() - started) / 1_000;
  try {
    return { ...(await run(options)), name, promise, seconds: seconds() };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    return { counts: {}, name, promise, seconds: seconds(), problem };
  }
}
