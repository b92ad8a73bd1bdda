import type { ExploreCrashesOptions } from "@holdfast/crash-kit";

/** Something durable that is explored: work, recovery, and what must hold. */
export interface Feature {
  readonly name: string;
  /** What is promised, in one sentence. */
  readonly promise: string;
  /** The work, as `exploreCrashes` and `exploreFaults` take it. What is noted and recovered is the feature's own business. */
  readonly work: FeatureWork;
  /** Made of features that are explored on their own, and long: its calls fail in the long form only. */
  readonly isWhole?: boolean;
}

/** A feature that is made of others. */
export function whole(one: Feature): Feature {
  return { ...one, isWhole: true };
}

type FeatureWork = Pick<ExploreCrashesOptions<unknown, unknown>, "setup" | "workload" | "recover" | "check">;

/** A feature whose types are checked where it is written. */
export function feature<Fact, Recovered>(
  name: string,
  promise: string,
  work: Pick<ExploreCrashesOptions<Fact, Recovered>, "setup" | "workload" | "recover" | "check">,
): Feature {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a feature is only given what it made itself
  return { name, promise, work: work as unknown as Feature["work"] };
}
