import type { Store } from "@holdfast/storage";
import { RunError } from "./errors.ts";
import { runKey } from "./run-key.ts";
import type { RunStatus } from "./run-state.ts";
import { RUN_TRANSITIONS } from "./run-transitions.ts";

const placeOf = (store: Store, runId: string): string => store.locate({ document: runKey(runId) });

/** There is no such run. */
export function runNotFound(store: Store, runId: string): RunError {
  const path = placeOf(store, runId);
  return new RunError("RUN_NOT_FOUND", `Cannot update run "${runId}": there is no "${path}"`, { path });
}

/** The id of a new run is taken. */
export function runExists(store: Store, runId: string, cause: unknown): RunError {
  const path = placeOf(store, runId);
  const message = `Cannot create run "${runId}": the id is taken by "${path}"; choose another`;
  return new RunError("RUN_EXISTS", message, { path, cause });
}

/** The run is not as it was expected to be. */
export function runConflict(store: Store, runId: string, reason: string, cause?: unknown): RunError {
  const path = placeOf(store, runId);
  const message = `Cannot update run "${runId}": ${reason}; load it and decide again`;
  return new RunError("RUN_CONFLICT", message, { path, cause });
}

/** What was to be written is no state. */
export function runInvalid(runId: string, reason: string, cause?: unknown): RunError {
  const path = `runs/${runId}/run`;
  return new RunError("RUN_INVALID", `Cannot write state of run "${runId}": ${reason}`, { path, cause });
}

/** Nothing leads from a status to another. */
export function runTransitionRefused(store: Store, runId: string, from: RunStatus, to: RunStatus): RunError {
  const allowed = RUN_TRANSITIONS[from].join(", ") || "nothing";
  const message = `Cannot make run "${runId}" ${to}: it is ${from}, which leads to ${allowed}`;
  return new RunError("RUN_TRANSITION", message, { path: placeOf(store, runId) });
}
