import type { Claim, Store } from "@holdfast/storage";
import { claimRun, RUNS_QUEUE, RunHeldError } from "@holdfast/task-store";
import { SimulationError } from "../errors.ts";
import type { SimulationResult } from "./options.ts";

async function claimOrTell(store: Store, runId: string): Promise<Claim | undefined> {
  try {
    return await claimRun(store, runId);
  } catch (error) {
    if (!(error instanceof RunHeldError)) throw error;
    const { path, holder } = error;
    throw new SimulationError("SIMULATION_RUN_HELD", error.message, { path, cause: error, holder });
  }
}

/** Takes a run that nobody knows yet. */
export async function claimNew(store: Store, runId: string): Promise<Claim> {
  const offered = await store.work.offer(RUNS_QUEUE, runId, {});
  const claim = offered ? await claimOrTell(store, runId) : undefined;
  if (claim !== undefined) return claim;
  const message = `Cannot start run "${runId}": there is one of this name; resume it, or start again for another id`;
  throw new SimulationError("SIMULATION_RUN_EXISTS", message, { path: runId });
}

/**
 * Takes a run that is there; `undefined` when it is settled as done.
 *
 * @throws {SimulationError} `SIMULATION_RUN_HELD`.
 */
export async function claimAgain(store: Store, runId: string): Promise<Claim | undefined> {
  const claim = await claimOrTell(store, runId);
  if (claim !== undefined) return claim;
  // Known to no queue: its folder was copied here without its lock.
  return (await store.work.offer(RUNS_QUEUE, runId, {})) ? claimOrTell(store, runId) : undefined;
}

/** Works under a claim, and gives it back: done when the run is completed, ready to be resumed otherwise. */
export async function underClaim(
  store: Store,
  claim: Claim,
  work: () => Promise<SimulationResult>,
): Promise<SimulationResult> {
  let result: SimulationResult;
  try {
    result = await work();
  } catch (error) {
    // The first error is the one to tell.
    await store.work.settle(claim, "ready").catch(() => undefined);
    throw error;
  }
  await store.work.settle(claim, result.status === "completed" ? "done" : "ready");
  return result;
}
