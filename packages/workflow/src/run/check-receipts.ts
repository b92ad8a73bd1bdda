import { posix } from "node:path";
import { type Receipt, type ReceiptFinding, verifyReceipts } from "@holdfast/task-store";
import { READ_ONLY_ACTIONS } from "../flow/flow.ts";
import type { RunProgress, Step } from "../flow/progress.ts";
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
 * Artifacts of finished steps that are no longer what their receipts say. Only the newest statement about a path counts: what a later
 * step said in the ledger supersedes a receipt, also while that step has none yet.
 */
export async function wrongArtifacts(
  progress: RunProgress,
  receipts: ReadonlyMap<number, Receipt>,
  root: string,
): Promise<ReceiptFinding[]> {
  const kept = finishedSteps(progress)
    .map((step) => receipts.get(step.step))
    .filter((receipt) => receipt !== undefined);
  const findings = await verifyReceipts(kept, root);
  return findings.filter((finding) => {
    const path = posix.normalize(finding.path);
    return !progress.effective.some((step) => step.step > finding.step && step.artifacts.has(path));
  });
}

/** Whether a step is under way that may have written to the workspace: its half-done work cannot be told from anybody's change. */
export function isWriting(progress: RunProgress): boolean {
  const { current } = progress;
  return (
    current !== undefined &&
    progress.targetOf(current) === undefined &&
    !READ_ONLY_ACTIONS.has(current.action)
  );
}

/**
 * The first finished step whose receipt no longer agrees with the workspace, so that it must be done again. Nothing is stale while
 * a step that writes is under way.
 */
export async function firstStale(
  progress: RunProgress,
  receipts: ReadonlyMap<number, Receipt>,
  workspace: Workspace,
): Promise<StaleStep | undefined> {
  const { current } = progress;
  if (current === undefined || isWriting(progress)) return undefined;
  const findings = await wrongArtifacts(progress, receipts, workspace.root);
  if (findings.length === 0) return undefined;
  const seen = await workspace.filesOf(current.snapshotId);
  const stale = findings.filter((finding) => {
    // Changed by a later step that did not say so, and seen by the one after it: the run went on from there knowingly.
    const known = finding.step === current.step ? undefined : seen?.get(posix.normalize(finding.path));
    return known === undefined || finding.actual?.sha256 !== known;
  });
  const first = Math.min(...stale.map((finding) => finding.step));
  const step = progress.steps.find((one) => one.step === first);
  if (step === undefined) return undefined;
  return { step, paths: stale.filter((finding) => finding.step === first).map(({ path }) => path) };
}
