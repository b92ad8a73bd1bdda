import { parseTimestamp } from "@holdfast/storage";
import type { RunProgress, Step } from "../flow/progress.ts";
import { textOf } from "../unknown-value.ts";
import type { StepDescription, StepStatus } from "./result.ts";

/** What the ledger does not say of a step. */
export interface DescribeStepsOptions {
  readonly runId: string;
  readonly taskId: string;
  readonly hasReceipt: (step: Step) => boolean;
  /** Whether the run has ended as failed: its last failed step is tried no more. */
  readonly failed?: boolean;
  /** When each step's first command was written, RFC 3339. */
  readonly startedAt?: ReadonlyMap<number, string>;
}

function statusOf(step: Step, progress: RunProgress, options: DescribeStepsOptions): StepStatus {
  if (step.discarded !== undefined) return "discarded";
  if (step.settledBy === undefined) return "in_doubt";
  if (step.settledBy.event === "error") {
    const last = step === progress.current;
    const over = step.attempt + 1 >= step.maxAttempts || progress.isFatal(step) || !last;
    return over || options.failed === true ? "failed" : "pending";
  }
  return options.hasReceipt(step) ? "done" : "pending";
}

function errorOf(step: Step): StepDescription["error"] {
  if (step.settledBy?.event !== "error") return undefined;
  const { code, message } = step.settledBy.payload;
  return { code: textOf(code) ?? step.settledBy.status ?? "error", message: textOf(message) ?? "" };
}

/** Tells the steps of a run. */
export function describeSteps(progress: RunProgress, options: DescribeStepsOptions): StepDescription[] {
  return progress.steps.map((step) => {
    const error = errorOf(step);
    const ended = step.settledBy?.occurred_at;
    const started = options.startedAt?.get(step.step);
    const seconds =
      started === undefined || ended === undefined
        ? undefined
        : Number(parseTimestamp(ended) - parseTimestamp(started)) / 1e6;
    return {
      step: step.step,
      stage: step.stage,
      action: step.action,
      agent: step.agent,
      round: step.round,
      status: statusOf(step, progress, options),
      attempts: step.attempt + 1,
      max_attempts: step.maxAttempts,
      commands: step.lines,
      correlation_id: step.correlationId,
      key: step.key,
      snapshot_id: step.snapshotId,
      command_id: step.commandId,
      command_seq: step.commandSeq,
      ...(step.settledBy === undefined ? {} : { event: step.settledBy.event }),
      ...(step.settledBy?.status === undefined ? {} : { event_status: step.settledBy.status }),
      ...(error === undefined ? {} : { error }),
      ...(options.hasReceipt(step)
        ? { receipt: `runs/${options.runId}/receipts/${options.taskId}/step-${step.step}` }
        : {}),
      artifacts: [...step.artifacts.values()].map(({ path, sha256, size }) => ({ path, sha256, size })),
      ...(started === undefined ? {} : { started_at: started }),
      ...(ended === undefined ? {} : { ended_at: ended }),
      ...(seconds === undefined ? {} : { time_seconds: Math.max(0, seconds) }),
    };
  });
}
