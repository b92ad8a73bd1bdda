import { CheckpointError, CheckpointManager, verifyCheckpoints } from "@holdfast/checkpoint";
import { verifySimulation } from "@holdfast/simulation";
import type { FileStore } from "@holdfast/storage";
import { RUNS_QUEUE } from "@holdfast/task-store";
import { removedCheckpoints } from "../gc/removed-checkpoints.ts";
import { type Finding, isAt, unreadable } from "./finding.ts";

/** What stands against a simulation's run: its checkpoints, its results, its state, and where it came from. */
export async function simulationFindings(
  store: FileStore,
  runId: string,
  signal: AbortSignal,
): Promise<Finding[]> {
  try {
    const whole = (await verifyCheckpoints(store, runId, { signal })).map(
      ({ severity, kind, path, message }): Finding => ({ severity, kind, place: path, message }),
    );
    const missing = await missingFindings(store, runId);
    // While somebody works on it, its records are not read at one moment.
    const isHeld = (await store.work.holder(RUNS_QUEUE, runId)) !== undefined;
    const records = isHeld ? [] : await verifySimulation(store, runId);
    const more = records.filter(({ place }) => !whole.some((one) => isAt(one, place)));
    return [...whole, ...missing, ...more].map((finding) => ({ ...finding, run_id: runId }));
  } catch (error) {
    signal.throwIfAborted();
    return [unreadable(store.locate({ document: `runs/${runId}/run` }), error, runId)];
  }
}

/** Checkpoints that the results name, that are not there, and that gc did not remove. */
async function missingFindings(store: FileStore, runId: string): Promise<Finding[]> {
  const manager = new CheckpointManager(store, runId, null);
  const named = await namedTurns(manager);
  if (named.length === 0) return [];
  const there = new Set((await manager.list()).map(({ turn }) => turn));
  const removed = await removedCheckpoints(store, runId);
  const results = store.locate({ document: `runs/${runId}/result` });
  return named
    .filter((turn) => !there.has(turn) && !removed.has(turn))
    .map((turn) => ({
      severity: "error",
      kind: "checkpoint-missing",
      place: store.locate({ document: `runs/${runId}/checkpoints/turn_${turn}` }),
      message: `"${results}" names the checkpoint of turn ${turn}, and there is none`,
      meaning:
        "It was removed, and not by holdfast gc. Nothing can be forked from it; a replay makes its state again.",
    }));
}

async function namedTurns(manager: CheckpointManager): Promise<readonly number[]> {
  try {
    return (await manager.loadResults())?.checkpoints.map(({ turn }) => turn) ?? [];
  } catch (error) {
    // Told with the checkpoints already.
    if (error instanceof CheckpointError) return [];
    throw error;
  }
}
