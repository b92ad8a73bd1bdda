import { type Claim, type Store, StoreHeldError } from "@holdfast/storage";
import { RunHeldError } from "./errors.ts";

/** The queue whose items are runs: who holds the item may write the run. */
export const RUNS_QUEUE = "runs";

/**
 * Claims a run that was offered to {@link RUNS_QUEUE} under its id, so that this process alone may write it.
 *
 * @param store - Where the run lives. The claim is given back with `store.work.settle`, or by the death of the process.
 * @returns The claim, to be carried by every write as its fence; `undefined` when the queue does not know the run, or it is settled.
 * @throws {RunHeldError} `RUN_HELD`, with who holds it.
 */
export async function claimRun(store: Store, runId: string): Promise<Claim | undefined> {
  try {
    const [claim] = await store.work.claim(RUNS_QUEUE, `holdfast-${process.pid}`, { id: runId });
    return claim;
  } catch (error) {
    if (!(error instanceof StoreHeldError)) throw error;
    const { holder } = error;
    const host = holder.host === undefined ? "" : ` on ${holder.host}`;
    const since = holder.since === undefined ? "" : ` since ${holder.since}`;
    const message = `Cannot work on run "${runId}": process ${holder.pid ?? "unknown"}${host} holds it${since}; wait until it is done, or stop it`;
    throw new RunHeldError(message, { path: runId, cause: error, holder });
  }
}
