import type { Receipt } from "@holdfast/task-store";
import { READ_ONLY_ACTIONS } from "../flow/flow.ts";
import type { RunProgress, Step } from "../flow/progress.ts";
import { wrongArtifacts } from "./check-artifacts.ts";
import type { Workspace } from "./workspace.ts";

/** Whether a receipt is the one of this step. */
export function isReceiptOf(receipt: Receipt, step: Step): boolean {
  return (
    receipt.step === step.step &&
    receipt.correlation_id === step.correlationId &&
    receipt.idempotency_key === step.key
  );
}

/** A finished step whose receipt no longer agrees with the files. */
export interface StaleStep {
  readonly step: Step;
  readonly paths: readonly string[];
}

/** Steps that ended well and count. */
export function finishedSteps(progress: RunProgress): readonly Step[] {
  return progress.effective.filter((step) => progress.targetOf(step) !== undefined);
}

/**
 * The first finished step whose receipt no longer agrees with the workspace.
 *
 * Only the newest statement about a path counts: a later step's receipt, or the snapshot a later step was made for, which saw the
 * path as it was when the run went on from there. While a step that writes is under way its half-done work cannot be told from
 * somebody else's change: then nothing is stale.
 */
export async function firstStale(
  progress: RunProgress,
  receipts: ReadonlyMap<number, Receipt>,
  workspace: Workspace,
): Promise<StaleStep | undefined> {
  const { current } = progress;
  if (current === undefined) return undefined;
  const underWay = progress.targetOf(current) === undefined;
  if (underWay && !READ_ONLY_ACTIONS.has(current.action)) return undefined;
  const newest = new Map<string, Step>();
  const finished = finishedSteps(progress).filter((step) => receipts.has(step.step));
  for (const step of finished)
    for (const { path } of receipts.get(step.step)?.artifacts ?? []) newest.set(path, step);
  const seen = await workspace.filesOf(current.snapshotId);
  for (const step of finished) {
    const artifacts = (receipts.get(step.step)?.artifacts ?? []).filter(
      ({ path }) => newest.get(path) === step,
    );
    const wrong = await wrongArtifacts(artifacts, { workspace: workspace.root });
    const paths: string[] = [];
    for (const finding of wrong) {
      // Changed by a later step that did not say so, and seen by the one after it: the run went on from there knowingly.
      const known = step === current ? undefined : seen?.get(finding.path);
      if (known === undefined || finding.actual !== known) paths.push(finding.path);
    }
    if (paths.length > 0) return { step, paths };
  }
  return undefined;
}
