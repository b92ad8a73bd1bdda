import { runIdSchema } from "./run-state.ts";

/** Key of a run's state in a store. */
export function runKey(runId: string): string {
  checkRunId(runId);
  return `runs/${runId}/run`;
}

/** Refuses what is no id of a run before it becomes a part of a key. */
export function checkRunId(runId: string): void {
  if (!runIdSchema.safeParse(runId).success) {
    throw new RangeError(
      `Not an id of a run: ${JSON.stringify(runId)}: letters, digits, dots, hyphens and underscores only`,
    );
  }
}
