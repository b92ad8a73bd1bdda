import { CheckpointError, CheckpointManager, verifyCheckpoints } from "@holdfast/checkpoint";
import type { FileStore } from "@holdfast/storage";
import { RUNS_QUEUE, type RunState, runStore } from "@holdfast/task-store";
import { readHead } from "../checkpoint/read-head.ts";
import { removedCheckpoints } from "../gc/removed-checkpoints.ts";
import { type Finding, unreadable } from "./finding.ts";

/** What stands against a simulation's run: its checkpoints, its results, its state, and where it came from. */
export async function simulationFindings(
  store: FileStore,
  runId: string,
  signal: AbortSignal,
): Promise<Finding[]> {
  const place = store.locate({ document: `runs/${runId}/run` });
  try {
    const state = await runStore(store).load(runId);
    if (state === undefined) return [];
    const found = [
      ...(await verifyCheckpoints(store, runId, { signal })).map(
        ({ severity, kind, path, message }): Finding => ({ severity, kind, place: path, message }),
      ),
      ...(await resultFindings(store, state)),
      ...(await lastFindings(store, state)),
      ...(await lineageFindings(store, state)),
    ];
    return found.map((finding) => ({ ...finding, run_id: runId }));
  } catch (error) {
    signal.throwIfAborted();
    return [unreadable(place, error, runId)];
  }
}

/** A completed run has results, and there is every checkpoint that they name. */
async function resultFindings(store: FileStore, state: RunState): Promise<Finding[]> {
  const runId = state.run_id;
  const place = store.locate({ document: `runs/${runId}/result` });
  const manager = new CheckpointManager(store, runId, null);
  let results: Awaited<ReturnType<typeof manager.loadResults>>;
  try {
    results = await manager.loadResults();
  } catch (error) {
    // Told with the checkpoints already.
    if (error instanceof CheckpointError) return [];
    throw error;
  }
  if (results === undefined) {
    if (state.status !== "completed") return [];
    const message = `run "${runId}" is completed, but its results are not there`;
    const meaning = "They were removed. The final state is still the newest checkpoint.";
    return [{ severity: "error", kind: "results-missing", place, message, meaning }];
  }
  const there = new Set((await manager.list()).map(({ turn }) => turn));
  const removed = await removedCheckpoints(store, runId);
  return results.checkpoints
    .filter(({ turn }) => !there.has(turn) && !removed.has(turn))
    .map(({ turn }) => ({
      severity: "error",
      kind: "checkpoint-missing",
      place: store.locate({ document: `runs/${runId}/checkpoints/turn_${turn}` }),
      message: `${place} names the checkpoint of turn ${turn}, and there is none`,
      meaning:
        "It was removed, and not by holdfast gc. Nothing can be forked from it; a replay makes its state again.",
    }));
}

/** `last` is written before the state of the run names its turn. */
async function lastFindings(store: FileStore, state: RunState): Promise<Finding[]> {
  const { run_id: runId, turn = 0 } = state;
  // While somebody works on it the two are not read at one moment.
  if ((await store.work.holder(RUNS_QUEUE, runId)) !== undefined) return [];
  const key = `runs/${runId}/checkpoints/last`;
  const place = store.locate({ document: key });
  const head = await readHead(store, key);
  if (head === undefined) {
    const isThere = (await store.documents.list(key)).items.some((item) => item.key === key);
    // One that cannot be read was told with the checkpoints.
    if (isThere || (turn === 0 && state.parent === undefined && state.status !== "completed")) return [];
    const message = `run "${runId}" was at turn ${turn}, and its last checkpoint is not there`;
    const meaning = `A resume goes on from the newest turn_<n>; holdfast repair ${runId} rebuilds it from that.`;
    return [{ severity: "error", kind: "last-missing", place, message, meaning }];
  }
  const isBehind = head.turn < turn;
  const isAhead = head.turn > (state.status === "completed" ? turn : turn + 1);
  if (!isBehind && !isAhead) return [];
  const stateAt = store.locate({ document: `runs/${runId}/run` });
  const message = `the state of the run says turn ${turn}, its last checkpoint "${place}" is that of turn ${head.turn}`;
  const meaning = isBehind
    ? "A later turn was acknowledged and is gone. A resume makes the turns after the checkpoint again."
    : "The state was changed, or is an older copy. A resume goes by the checkpoint.";
  return [{ severity: "error", kind: "turn-mismatch", place: stateAt, message, meaning }];
}

/** A fork's parent is there, with the checkpoint that the fork started from. */
async function lineageFindings(store: FileStore, state: RunState): Promise<Finding[]> {
  const { run_id: runId, parent } = state;
  if (parent === undefined) return [];
  const place = store.locate({ document: `runs/${runId}/run` });
  const meaning = "The run itself is whole; it can only not be replayed from its start.";
  const from = await loadQuietly(store, parent.run_id);
  if (from === "unreadable") return [];
  if (from === undefined) {
    const message = `it was forked from run "${parent.run_id}", which is not there`;
    return [{ severity: "error", kind: "parent-missing", place, message, meaning }];
  }
  const turns = (await new CheckpointManager(store, parent.run_id, null).list()).map(({ turn }) => turn);
  if (turns.includes(parent.turn)) return [];
  // Forked from a `last` of that turn, which its run has gone on from.
  const message = `it was forked from turn ${parent.turn} of run "${parent.run_id}", which keeps no checkpoint of that turn`;
  return [{ severity: "warning", kind: "parent-checkpoint", place, message, meaning }];
}

async function loadQuietly(store: FileStore, runId: string): Promise<RunState | "unreadable" | undefined> {
  try {
    return await runStore(store).load(runId);
  } catch {
    // What is wrong with it is told where it is looked at itself.
    return "unreadable";
  }
}
