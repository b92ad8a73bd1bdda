import type { Artifact } from "@holdfast/ledger";
import { type Clock, type Fence, formatTimestamp, type Store } from "@holdfast/storage";
import { type Receipt, recordReceipt } from "@holdfast/task-store";
import type { TaskConfig, WorkflowConfig } from "../config/schema.ts";
import { READ_ONLY_ACTIONS } from "../flow/flow.ts";
import type { RunProgress, Step } from "../flow/progress.ts";
import type { Redactor } from "../supervisor/redactor.ts";
import { missingOutputs, problemOfArtifacts, type StepProblem } from "./check-artifacts.ts";
import type { RunLog } from "./run-log.ts";
import type { Workspace } from "./workspace.ts";

/** What {@link StepProof} works with. */
export interface StepProofParts {
  readonly store: Store;
  readonly runId: string;
  readonly fence: Fence;
  readonly config: WorkflowConfig;
  readonly task: TaskConfig;
  readonly workspace: Workspace;
  readonly progress: RunProgress;
  readonly redactor: Redactor;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
  /** Steps whose receipts are written. */
  readonly receipts: Set<number>;
}

/** Paths that a line of the ledger names at most. */
const MAX_PATHS = 20;

/** Judges what a step left behind, and writes its receipt. */
export class StepProof {
  readonly #parts: StepProofParts;
  readonly #log: RunLog;

  constructor(parts: StepProofParts, log: RunLog) {
    this.#parts = parts;
    this.#log = log;
  }

  /** What a finished step proves. */
  #receiptOf(step: Step): Receipt {
    const { clock, task, redactor } = this.#parts;
    return {
      schema: "holdfast/receipt/v1",
      task_id: task.id,
      step: step.step,
      action: step.action,
      idempotency_key: step.key,
      snapshot_id: step.snapshotId,
      command_message_id: step.commandId,
      correlation_id: step.correlationId,
      artifacts: [...step.artifacts.values()].map(
        ({ path, sha256, size }): Artifact => ({ path, sha256, size }),
      ),
      events: [...step.events],
      created_at: formatTimestamp(clock()),
      instruction: redactor.text(task.goal),
    };
  }

  /** What stands against the artifacts that a step says it made, if something does. */
  async problemOfArtifacts(step: Step): Promise<StepProblem | undefined> {
    const { workspace, config, signal } = this.#parts;
    const maxBytes = config.policy.artifact_max_bytes;
    return problemOfArtifacts(this.#receiptOf(step), { workspace: workspace.root, maxBytes, signal });
  }

  /** Writes the receipt of a step whose artifacts have been checked. */
  async writeReceipt(step: Step): Promise<void> {
    const { store, runId, fence, receipts } = this.#parts;
    const receipt = await recordReceipt(store, runId, this.#receiptOf(step), { fence });
    receipts.add(step.step);
    step.events = []; // there may be thousands; from now on the receipt names them
    this.#log.note({ kind: "receipt", step: step.step, artifacts: receipt.artifacts.length });
  }

  /** What stands against a step that ended well, if something does. */
  async problemOf(step: Step): Promise<StepProblem | undefined> {
    const { progress, config } = this.#parts;
    if (progress.targetOf(step) === undefined) return unexpectedEvent(step, progress);
    if (config.policy.strict_version_pinning && step.observed !== undefined) {
      return versionMismatch(
        `the agent worked on ${step.observed}, the step is pinned to ${step.snapshotId}`,
        [],
      );
    }
    const problem = await this.problemOfArtifacts(step);
    if (problem !== undefined) return problem;
    const changed = await this.workspaceChanged(step);
    if (changed !== undefined) return changed;
    await this.#remarkMissing(step);
    return undefined;
  }

  async #remarkMissing(step: Step): Promise<void> {
    const missing = missingOutputs(step.command?.expected_outputs ?? [], this.#parts.workspace.root);
    if (missing.length === 0) return;
    await this.#log.remark(
      "warn",
      `Step ${step.step} ended without ${listed(missing)}, which it was asked for`,
      {
        missing_outputs: missing.slice(0, MAX_PATHS),
        step: step.step,
      },
    );
  }

  /** For a step that only reads: how the workspace differs from what it was pinned to, beyond what the step says it made. */
  async workspaceChanged(step: Step): Promise<StepProblem | undefined> {
    const { config, workspace } = this.#parts;
    if (!config.policy.strict_version_pinning || !READ_ONLY_ACTIONS.has(step.action)) return undefined;
    const changed = (await workspace.changesSince(step.snapshotId)).filter(
      (path) => !step.artifacts.has(path),
    );
    if (changed.length === 0) return undefined;
    return versionMismatch(`the workspace no longer is ${step.snapshotId}: ${listed(changed)}`, changed);
  }
}

/** The first few of many paths. */
function listed(paths: readonly string[]): string {
  const more = paths.length > 5 ? ` and ${paths.length - 5} more` : "";
  return `${paths.slice(0, 5).join(", ")}${more}`;
}

function versionMismatch(message: string, changed: readonly string[]): StepProblem {
  const details = changed.length === 0 ? {} : { changed: changed.slice(0, MAX_PATHS) };
  return { code: "version_mismatch", message, status: "version_mismatch", details };
}

function unexpectedEvent(step: Step, progress: RunProgress): StepProblem {
  const event = step.settledBy;
  const said = event?.status === undefined ? event?.event : `${event.event}/${event.status}`;
  const known = Object.keys(progress.flow.stages[step.stage]?.on ?? {})
    .join(", ")
    .slice(0, 1_000);
  return {
    code: "unexpected_event",
    message: `stage "${step.stage}" cannot end with "${said}"; it knows ${known}`,
    status: "unexpected_event",
  };
}
