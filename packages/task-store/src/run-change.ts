import type { Store } from "@holdfast/storage";
import { definedFields } from "./defined-fields.ts";
import { describeIssue } from "./read-document.ts";
import { runInvalid, runTransitionRefused } from "./run-problems.ts";
import { type RunState, type RunStatus, runStateSchema } from "./run-state.ts";
import { RUN_TRANSITIONS } from "./run-transitions.ts";
import type { RunChange } from "./runs.ts";

/**
 * The state of a run after a change, with what follows from a change of its status.
 *
 * @param now - RFC 3339.
 * @throws {RunError} `RUN_TRANSITION`, `RUN_INVALID`.
 */
export function changedRun(store: Store, state: RunState, change: RunChange, now: string): RunState {
  for (const name of ["run_id", "kind", "started_at"] as const) {
    if (change[name] !== undefined && change[name] !== state[name])
      throw runInvalid(state.run_id, `"${name}" cannot be changed`);
  }
  const status = change.status ?? state.status;
  return checkedRun(state.run_id, {
    ...state,
    ...atTransition(store, state, status, change, now),
    ...change,
    status,
    schema: state.schema,
    run_id: state.run_id,
    kind: state.kind,
    started_at: state.started_at,
    updated_at: now,
    revision: state.revision + 1,
  });
}

/** A state that can be written. @throws {RunError} `RUN_INVALID`. */
export function checkedRun(runId: string, value: unknown): RunState {
  const parsed = runStateSchema.safeParse(value);
  if (!parsed.success) throw runInvalid(runId, describeIssue(parsed.error.issues), parsed.error);
  return definedFields(parsed.data);
}

/** What follows from a change of status by itself. */
function atTransition(
  store: Store,
  state: RunState,
  status: RunStatus,
  change: RunChange,
  now: string,
): RunChange {
  // A completed run may still get fields, such as what a later check found, but no other status.
  if (status === state.status) return {};
  if (!RUN_TRANSITIONS[state.status].includes(status))
    throw runTransitionRefused(store, state.run_id, state.status, status);
  if (status !== "running") return { completed_at: now };
  return { completed_at: undefined, error: undefined, attempts: change.attempts ?? state.attempts + 1 };
}
