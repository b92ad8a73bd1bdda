import type { RunStatus } from "./run-state.ts";

/**
 * Where the status of a run leads. `running` leads to itself when a run is resumed whose process died without a word.
 * `completed` is final.
 */
export const RUN_TRANSITIONS: Readonly<Record<RunStatus, readonly RunStatus[]>> = Object.freeze({
  running: ["running", "completed", "failed", "aborted"],
  failed: ["running"],
  aborted: ["running"],
  completed: [],
});
