import type { WorkflowErrorCode } from "../errors.ts";
import { textOf } from "../unknown-value.ts";
import { DONE, FAILED } from "./flow.ts";
import { isVersionMismatch, type RunProgress, type Step } from "./progress.ts";

/** What is to be done next. */
export type Move =
  /** Make a new step, on a fresh snapshot. `attempt` is above 0 when it takes the place of a step whose workspace had changed. */
  | {
      readonly kind: "plan";
      readonly stage: string;
      readonly round: number;
      readonly attempt: number;
      readonly maxAttempts: number | undefined;
      readonly feedback: Readonly<Record<string, unknown>> | undefined;
      readonly feedbackFrom: string | undefined;
    }
  /** The command stands in the ledger and has no terminal event: send it (again). */
  | { readonly kind: "send"; readonly step: Step }
  /** The last attempt failed: send it again, after a while. */
  | { readonly kind: "retry"; readonly step: Step; readonly attempt: number }
  /** There is a terminal event, and no receipt yet. */
  | { readonly kind: "settle"; readonly step: Step }
  | { readonly kind: "complete" }
  | { readonly kind: "fail"; readonly code: WorkflowErrorCode; readonly message: string };

/** What the ledger does not say. */
export interface MoveOptions {
  readonly maxRounds: number;
  /** Whether a settled step's receipt is written. */
  readonly hasReceipt: (step: Step) => boolean;
}

/** What is to be done next: a pure function of the ledger's story and of the receipts there are. */
export function nextMove(progress: RunProgress, options: MoveOptions): Move {
  const step = progress.current;
  if (step === undefined) return plan(progress, options, progress.flow.start, undefined);
  if (step.settledBy === undefined) return { kind: "send", step };
  if (step.settledBy.event === "error") return afterFailure(progress, options, step);
  if (!options.hasReceipt(step)) return { kind: "settle", step };
  return follow(progress, options, step);
}

function follow(progress: RunProgress, options: MoveOptions, step: Step): Move {
  const { target } = progress.nextStage();
  const event = step.settledBy;
  const said = event?.status === undefined ? event?.event : `${event.event}/${event.status}`;
  if (target === DONE) return { kind: "complete" };
  if (target === FAILED || target === undefined) {
    const message = `stage "${step.stage}" of step ${step.step} ended with "${said}", which ends the run as failed`;
    return { kind: "fail", code: "WORKFLOW_FLOW_FAILED", message };
  }
  return plan(progress, options, target, step);
}

function afterFailure(progress: RunProgress, options: MoveOptions, step: Step): Move {
  const attempt = step.attempt + 1;
  if (attempt < step.maxAttempts && !progress.isFatal(step)) {
    if (!isVersionMismatch(step)) return { kind: "retry", step, attempt };
    const before = progress.effective.at(-2);
    return {
      kind: "plan",
      stage: step.stage,
      round: step.round,
      attempt,
      maxAttempts: step.maxAttempts,
      feedback: before?.settledBy?.payload,
      feedbackFrom: before?.settledBy?.message_id,
    };
  }
  const { target } = progress.nextStage();
  if (target !== undefined) return follow(progress, options, step);
  const { message, code } = step.settledBy?.payload ?? {};
  const reason = textOf(message) ?? textOf(code) ?? "no reason given";
  const tries = progress.isFatal(step) ? "" : ` after ${attempt} of ${step.maxAttempts} attempts`;
  return {
    kind: "fail",
    code: "WORKFLOW_STEP_FAILED",
    message: `step ${step.step} (${step.action} by ${step.agent}) failed${tries}: ${reason}`,
  };
}

function plan(progress: RunProgress, options: MoveOptions, stage: string, cause: Step | undefined): Move {
  const round = (progress.rounds.get(stage) ?? 0) + 1;
  const counted = round - (progress.roundsForgiven.get(stage) ?? 0);
  if (counted > options.maxRounds) {
    return {
      kind: "fail",
      code: "WORKFLOW_ROUNDS_EXCEEDED",
      message: `stage "${stage}" would be entered for the ${ordinal(counted)} time; policy.max_rounds is ${options.maxRounds}`,
    };
  }
  return {
    kind: "plan",
    stage,
    round,
    attempt: 0,
    maxAttempts: undefined,
    feedback: cause?.settledBy?.payload,
    feedbackFrom: cause?.settledBy?.message_id,
  };
}

function ordinal(n: number): string {
  const rest = n % 100;
  if (rest >= 11 && rest <= 13) return `${n}th`;
  return `${n}${["th", "st", "nd", "rd"][n % 10] ?? "th"}`;
}
