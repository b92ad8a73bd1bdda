import type { JobAction, JobStatus } from "./job.ts";

/** Who does something with a job: an agent in one of the two roles, or a person. */
export type JobRole = "worker" | "supervisor" | "person";

/** A row of the table: what may happen in which states, by whom, and where it leads. */
export interface JobTransition {
  readonly from: readonly JobStatus[];
  readonly action: JobAction;
  readonly by: JobRole;
  readonly to: JobStatus;
}

/** States in which nothing is left to do; only `rerun` leads out of them. */
export const JOB_ENDS: readonly JobStatus[] = Object.freeze(["SUCCESS", "CANCELED"]);

const NOT_ENDED: readonly JobStatus[] = Object.freeze([
  "DRAFT",
  "PENDING",
  "RUNNING",
  "PAUSED",
  "REVIEW_REQUIRED",
  "REVIEWING",
  "APPROVAL_REQUIRED",
  "INTERVENTION_REQUIRED",
  "SUSPENDED",
]);

function row(
  from: JobStatus | readonly JobStatus[],
  action: JobAction,
  by: JobRole,
  to: JobStatus,
): JobTransition {
  const list = typeof from === "string" ? [from] : from;
  return Object.freeze({ from: Object.freeze([...list]), action, by, to });
}

/**
 * Every way from one state of a job to another. What is not here is refused with `JobStateError`. The documentation, `job status`
 * and `verify` are made from it.
 */
export const JOB_TRANSITIONS: readonly JobTransition[] = /* @__PURE__ */ Object.freeze([
  row("DRAFT", "activate", "person", "PENDING"),
  row("PENDING", "start", "worker", "RUNNING"),
  row("RUNNING", "COMPLETED", "worker", "REVIEW_REQUIRED"),
  row("RUNNING", "STUCK", "worker", "INTERVENTION_REQUIRED"),
  row("RUNNING", "RETRY", "worker", "PENDING"),
  row("RUNNING", "pause", "person", "PAUSED"),
  row("PAUSED", "resume", "person", "RUNNING"),
  row("REVIEW_REQUIRED", "start", "supervisor", "REVIEWING"),
  row("REVIEWING", "COMPLETED", "supervisor", "APPROVAL_REQUIRED"),
  row("REVIEWING", "STUCK", "supervisor", "INTERVENTION_REQUIRED"),
  row("REVIEWING", "RETRY", "supervisor", "REVIEW_REQUIRED"),
  row("APPROVAL_REQUIRED", "approve", "person", "SUCCESS"),
  row("APPROVAL_REQUIRED", "reject", "person", "PENDING"),
  row("INTERVENTION_REQUIRED", "resubmit", "person", "PENDING"),
  row("INTERVENTION_REQUIRED", "review", "person", "REVIEW_REQUIRED"),
  row("INTERVENTION_REQUIRED", "terminate", "person", "CANCELED"),
  row(NOT_ENDED, "suspend", "person", "SUSPENDED"),
  row("SUSPENDED", "resume", "person", "PENDING"),
  row(NOT_ENDED, "cancel", "person", "CANCELED"),
  row(["SUCCESS", "CANCELED", "INTERVENTION_REQUIRED"], "rerun", "person", "PENDING"),
]);

/** Where an action leads from a state; `undefined` when it is not allowed there. */
export function jobTransition(status: JobStatus, action: string): JobTransition | undefined {
  return JOB_TRANSITIONS.find((one) => one.action === action && one.from.includes(status));
}

/** The actions that a state allows, in the order of the table. */
export function allowedActions(status: JobStatus): readonly JobAction[] {
  return JOB_TRANSITIONS.filter(({ from }) => from.includes(status)).map(({ action }) => action);
}
