import { CheckpointLoadError, CheckpointManager, stateChecksum } from "@holdfast/checkpoint";
import type { Store } from "@holdfast/storage";
import { RUNS_QUEUE, type RunState, runStore } from "@holdfast/task-store";
import { SimulationError } from "../errors.ts";
import { configOfSimulation, loadSimulationRun } from "./config-of-run.ts";

/** Something that `verifySimulation` noticed. */
export interface SimulationFinding {
  /** `error`: a promise is broken. `warning`: worth a look. `info`: as it should be, but unfinished. */
  readonly severity: "error" | "warning" | "info";
  readonly kind: "state" | "config" | "results" | "parent" | "unfinished";
  /** Where: on files a path. */
  readonly place: string;
  readonly message: string;
  /** What it means, and what to do. */
  readonly meaning: string;
}

/**
 * Holds the records of a run against each other: its state, its config, `last`, its results, and the run it was forked from. Whether each checkpoint is
 * whole is for `verifyCheckpoints()` of `@holdfast/checkpoint` to say.
 *
 * @throws {SimulationError} `SIMULATION_RUN_MISSING`, `SIMULATION_RUN_KIND`.
 */
export async function verifySimulation(store: Store, runId: string): Promise<readonly SimulationFinding[]> {
  const state = await loadSimulationRun(store, runId);
  return [
    ...configFindings(store, state),
    ...(await lastFindings(store, state)),
    ...(await resultFindings(store, state)),
    ...(await parentFindings(store, state)),
    ...(await unfinished(store, state)),
  ];
}

const placeOf = (store: Store, runId: string, document = "run"): string =>
  store.locate({ document: `runs/${runId}/${document}` });

function configFindings(store: Store, state: RunState): SimulationFinding[] {
  try {
    configOfSimulation(store, state);
    return [];
  } catch (error) {
    if (!(error instanceof SimulationError)) throw error;
    const meaning = "The run cannot be resumed, forked or replayed; its checkpoints are not touched by this.";
    return [{ severity: "error", kind: "config", place: error.path, message: error.message, meaning }];
  }
}

async function lastFindings(store: Store, state: RunState): Promise<SimulationFinding[]> {
  const { run_id, status, turn = 0 } = state;
  const place = placeOf(store, run_id, "checkpoints/last");
  let last: number | undefined;
  try {
    const loaded = await new CheckpointManager(store, run_id, null).load(run_id, "last");
    if (loaded.fallback === undefined) last = loaded.checkpoint.turn;
    else if (loaded.fallback.code !== "CHECKPOINT_MISSING") return [];
  } catch (error) {
    if (!(error instanceof CheckpointLoadError)) throw error;
    if (error.code !== "CHECKPOINT_MISSING") return [];
  }
  if (last === undefined && turn === 0 && state.parent === undefined) return [];
  // While a run is made, its state tells of a turn now and then; at an end of any kind it tells of the last one, or of the one before when that was the end.
  const latest = status === "running" ? Number.POSITIVE_INFINITY : turn + 1;
  if (last !== undefined && last >= turn && last <= latest) return [];
  const message =
    last === undefined
      ? `The run was at turn ${turn}, and has no last checkpoint`
      : `The last checkpoint is of turn ${last}, the state of the run tells of turn ${turn}`;
  const meaning =
    "One of the two was lost, changed, or put back from a copy: a resume goes on from what is there.";
  return [{ severity: "error", kind: "state", place, message, meaning }];
}

async function resultFindings(store: Store, state: RunState): Promise<SimulationFinding[]> {
  const { run_id, status, turn } = state;
  const place = placeOf(store, run_id, "result");
  const manager = new CheckpointManager(store, run_id, null);
  const finding = (message: string, meaning: string): SimulationFinding[] => [
    { severity: "error", kind: "results", place, message, meaning },
  ];
  let results: Awaited<ReturnType<CheckpointManager["loadResults"]>>;
  try {
    results = await manager.loadResults();
  } catch (error) {
    if (!(error instanceof CheckpointLoadError)) throw error;
    return finding(error.message, "The results cannot be read; the final checkpoint holds the same state.");
  }
  if (results === undefined) {
    if (status !== "completed") return [];
    return finding(
      "The run is completed, and has no results",
      "They were removed; the final checkpoint holds the same state.",
    );
  }
  if (results.run_metadata.run_id !== run_id)
    return finding(
      `These are the results of run "${results.run_metadata.run_id}"`,
      "They were copied here from elsewhere.",
    );
  const final = results.final_state.turn;
  if (status === "completed" && final !== turn)
    return finding(
      `The final state is of turn ${final}, the state of the run tells of turn ${turn ?? 0}`,
      "One of the two was changed.",
    );
  try {
    const { checkpoint } = await manager.load(run_id, final);
    if (checkpoint.state_sha256 === stateChecksum(results.final_state)) return [];
    return finding(
      `The final state is not that of the checkpoint of turn ${final}`,
      "The results were changed after they were written; the checkpoint has a checksum that says so.",
    );
  } catch (error) {
    // Missing or damaged: told of the checkpoint itself.
    if (error instanceof CheckpointLoadError) return [];
    throw error;
  }
}

async function parentFindings(store: Store, { run_id, parent }: RunState): Promise<SimulationFinding[]> {
  if (parent === undefined) return [];
  const place = placeOf(store, run_id);
  const known = await runStore(store)
    .load(parent.run_id)
    .catch(() => undefined);
  const turns = (await new CheckpointManager(store, parent.run_id, null).list()).map(({ turn }) => turn);
  if (known !== undefined && turns.includes(parent.turn)) return [];
  const message =
    known === undefined
      ? `The run it was forked from, "${parent.run_id}", is not there`
      : `The run it was forked from, "${parent.run_id}", has no checkpoint of turn ${parent.turn}`;
  const meaning =
    "The run itself is whole and can be resumed; only a replay from its beginning is not possible.";
  return [{ severity: "info", kind: "parent", place, message, meaning }];
}

async function unfinished(store: Store, { run_id, status, turn }: RunState): Promise<SimulationFinding[]> {
  if (status === "completed" || (await store.work.holder(RUNS_QUEUE, run_id)) !== undefined) return [];
  const last = await new CheckpointManager(store, run_id, null).head(run_id, "last");
  const message = `The run is not finished: ${status}, at turn ${last?.turn ?? turn ?? 0}`;
  const meaning = `holdfast resume ${run_id} goes on with it.`;
  return [{ severity: "info", kind: "unfinished", place: placeOf(store, run_id), message, meaning }];
}
