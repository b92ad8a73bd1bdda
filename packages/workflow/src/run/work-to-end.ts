import { LedgerError } from "@holdfast/ledger";
import { type Claim, type Store, StoreError } from "@holdfast/storage";
import { describeSteps } from "./describe-steps.ts";
import type { RunEnd } from "./orchestrator.ts";
import type { WorkflowResult } from "./result.ts";
import type { Session } from "./session.ts";

/** What there is to work with, and what comes before the first move. */
export interface Opened {
  readonly session: Session;
  readonly begin: () => Promise<void>;
}

function resultOf(session: Session, end: RunEnd): WorkflowResult {
  const { runId, task, progress, receipts, orchestrator } = session;
  const common = {
    run_id: runId,
    task_id: task.id,
    steps: describeSteps(progress, { runId, taskId: task.id, hasReceipt: (step) => receipts.has(step.step) }),
    commands_sent: orchestrator.commandsSent,
  };
  if (end.kind === "completed") return { ...common, status: "completed" };
  if (end.kind === "interrupted") {
    return { ...common, status: "aborted", hint: `The state is saved; holdfast resume ${runId} goes on` };
  }
  const hint =
    end.code === "WORKFLOW_FLOW_FAILED"
      ? `See holdfast show ${runId}; a new run begins again`
      : `See holdfast show ${runId}; after mending the cause, holdfast resume ${runId} tries the step again`;
  return { ...common, status: "failed", error: { code: end.code, message: end.message }, hint };
}

/**
 * Works on a claimed run until it ends, and gives the claim back whatever happens: as done when the run is completed, otherwise so
 * that it can be claimed again.
 */
export async function workToEnd(
  store: Store,
  claim: Claim,
  open: () => Promise<Opened>,
): Promise<WorkflowResult> {
  let session: Session | undefined;
  let result: WorkflowResult;
  try {
    const opened = await open();
    session = opened.session;
    await opened.begin();
    const end = await session.finish();
    result = resultOf(session, end);
  } catch (error) {
    if (session !== undefined) await session.close("ready", { afterFailure: true });
    else await release(store, claim);
    throw storeErrorOf(error);
  }
  await session.close(result.status === "completed" ? "done" : "ready", { afterFailure: false });
  return result;
}

/** What the store said, when it is the reason that the ledger failed: a full disk is to be told as a full disk. */
function storeErrorOf(error: unknown): unknown {
  let reason = error;
  while (reason instanceof LedgerError && reason.cause !== undefined) reason = reason.cause;
  return reason instanceof StoreError ? reason : error;
}

async function release(store: Store, claim: Claim): Promise<void> {
  try {
    await store.work.settle(claim, "ready");
  } catch {
    // The error that is already on its way says more; the claim ends with the process at the latest.
  }
}
