/** What one promise came to when real processes, kernels and file systems tried to break it. */
export interface RealRun {
  readonly name: string;
  /** What is promised, in one sentence. */
  readonly promise: string;
  /** What was done, and how often; milliseconds where the name says so. */
  readonly counts: Readonly<Record<string, number>>;
  /** What was seen that must not be. */
  readonly problem?: string;
  /** Why this machine cannot try it. */
  readonly skipped?: string;
}

/** Something that is tried with real processes. */
export interface RealProcesses {
  readonly name: string;
  readonly promise: string;
  /**
   * Tries it.
   *
   * @param isLong - Whether to look ten times as far, or more.
   * @returns How often what was done; a reason in words where the machine does not allow it. Throws what must not be.
   */
  readonly attempt: (isLong: boolean) => Promise<Readonly<Record<string, number>> | string>;
}

/** Tries one promise, and catches what breaks it. */
export async function tryProcesses(
  { name, promise, attempt }: RealProcesses,
  isLong: boolean,
): Promise<RealRun> {
  try {
    const found = await attempt(isLong);
    return typeof found === "string"
      ? { name, promise, counts: {}, skipped: found }
      : { name, promise, counts: found };
  } catch (error) {
    return { name, promise, counts: {}, problem: error instanceof Error ? error.message : String(error) };
  }
}

/** The result as a line for a terminal. */
export function realLineOf({ name, counts, problem, skipped }: RealRun): string {
  if (skipped !== undefined) return `SKIP ${name}: ${skipped}`;
  const told = Object.entries(counts).map(([what, value]) => `${value.toLocaleString("en-US")} ${what}`);
  return problem === undefined ? `ok  ${name}: ${told.join(", ")}` : `BAD ${name}: ${problem}`;
}
