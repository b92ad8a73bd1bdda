import type { Claim, Store } from "@holdfast/storage";
import { claimRun, RunHeldError } from "@holdfast/task-store";
import { WorkflowError } from "../errors.ts";

/**
 * Claims a run, or says who holds it.
 *
 * @throws {WorkflowError} `WORKFLOW_RUN_HELD`.
 */
export async function claimWorkflowRun(store: Store, runId: string): Promise<Claim | undefined> {
  try {
    return await claimRun(store, runId);
  } catch (error) {
    if (!(error instanceof RunHeldError)) throw error;
    const { path, holder } = error;
    throw new WorkflowError("WORKFLOW_RUN_HELD", error.message, { path, cause: error.cause, holder });
  }
}
