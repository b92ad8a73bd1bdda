import type { ExploreCrashesOptions } from "@holdfast/crash-kit";

/** Something durable that is explored: work, recovery, and what must hold. */
export interface Feature {
  readonly name: string;
  /** What is promised, in one sentence. */
  readonly promise: string;
  /** The work, as `exploreCrashes` and `exploreFaults` take it. What is noted and recovered is the feature's own business. */
  readonly work: Pick<ExploreCrashesOptions<unknown, unknown>, "setup" | "workload" | "recover" | "check">;
}

/** A feature whose types are checked where it is written. */
export function feature<Fact, Recovered>(
  name: string,
  promise: string,
  work: Pick<ExploreCrashesOptions<Fact, Recovered>, "setup" | "workload" | "recover" | "check">,
): Feature {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a feature is only given what it made itself
  return { name, promise, work: work as unknown as Feature["work"] };
}
