import { type CrashPoint, describePoint, encodePoint } from "./crash-point.ts";
import { isKill } from "./crashed-disk.ts";
import { BadStateError, reasonOf } from "./errors.ts";
import type { RecordedWork } from "./recorded-work.ts";
import type { SimulatedDisk } from "./simulated-disk.ts";

/** A story longer than this is told without its middle. */
const MAX_LINES = 40;

/** A recovery that was crashed as well: where, and on which disk it worked. */
export interface CrashedRecovery {
  readonly point: CrashPoint;
  readonly disk: SimulatedDisk;
}

/** The error that tells how a bad state came about. */
export function badState(
  work: RecordedWork<unknown>,
  first: CrashPoint,
  error: unknown,
  second?: CrashedRecovery,
): BadStateError {
  const story = describePoint(first, work.disk.operations, work.notes());
  if (second !== undefined) {
    // What a killed process left is still among the operations of the recovery's disk.
    const start = isKill(first.fates) ? first.count : 0;
    story.push(
      "the recovery begins",
      ...describePoint(second.point, second.disk.operations, new Map(), start),
    );
  }
  const seed = [first, ...(second === undefined ? [] : [second.point])].map(encodePoint).join("+");
  const message = `A crash leaves a bad state: ${reasonOf(error)}\n  ${shortened(story).join("\n  ")}\n  to see it again: seed: ${JSON.stringify(seed)}`;
  return new BadStateError(message, { seed, story, cause: error });
}

function shortened(story: readonly string[]): readonly string[] {
  if (story.length <= MAX_LINES) return story;
  const isTold = (line: string, index: number): boolean =>
    index >= story.length - MAX_LINES / 2 || line.includes("  <- ") || line.startsWith("acknowledged: ");
  const told = story.filter(isTold).slice(-MAX_LINES);
  return [`(${story.length - told.length} more lines are in the error's story)`, ...told];
}
