/** The prefix of the keys of a run's checkpoints. */
export function checkpointsPrefix(runId: string): string {
  return `runs/${runId}/checkpoints/`;
}

/** The key of a checkpoint. */
export function checkpointKey(runId: string, which: number | "last"): string {
  return `${checkpointsPrefix(runId)}${which === "last" ? "last" : `turn_${which}`}`;
}

/** The key of a run's results. */
export function resultKey(runId: string): string {
  return `runs/${runId}/result`;
}

/** The turn that a key of a checkpoint names; `undefined` for `last` and for what is none. */
export function turnOfKey(key: string): number | undefined {
  const digits = /\/turn_(0|[1-9]\d*)$/.exec(key)?.[1];
  const turn = digits === undefined ? undefined : Number(digits);
  return Number.isSafeInteger(turn) ? turn : undefined;
}

/** Checks what a caller names a checkpoint by. */
export function checkWhich(which: number | "last"): void {
  if (which === "last" || (Number.isSafeInteger(which) && which >= 0)) return;
  throw new RangeError(
    `A checkpoint is named by its turn (a whole number from 0) or "last", not ${String(which)}`,
  );
}
