import { type CheckpointEntry, CheckpointManager } from "@holdfast/checkpoint";
import type { Holder, Store } from "@holdfast/storage";
import { RUNS_QUEUE, type RunState } from "@holdfast/task-store";
import type { SimulationConfig } from "../config/schema.ts";
import { configOfSimulation, loadSimulationRun } from "./config-of-run.ts";

/** Where a run of a simulation stands. */
export interface SimulationDescription {
  readonly state: RunState;
  readonly config: SimulationConfig;
  readonly seed: number;
  /** Its last durable turn: that of `last`, which a resume goes on from. */
  readonly turn: number;
  readonly max_turns: number;
  readonly checkpoint_interval: number | null;
  /** Checkpoints that stay, by turn. */
  readonly checkpoints: readonly CheckpointEntry[];
  /** Who works on it now. */
  readonly holder?: Holder;
  readonly parent?: { readonly run_id: string; readonly turn: number };
  /** Why it ended, of a completed run. */
  readonly termination_reason?: string;
  /** Seconds that were spent on it, over all attempts, as far as they were written down. */
  readonly elapsed_time_seconds: number;
}

/**
 * Tells where a run stands, from its state, the head of `last` and the names of its checkpoints. Nothing is changed, and no state of the simulation is
 * read; a run that is being worked on can be described.
 *
 * @throws {SimulationError} `SIMULATION_RUN_MISSING`, `SIMULATION_RUN_KIND`, `SIMULATION_RUN_DAMAGED`.
 */
export async function describeSimulation(store: Store, runId: string): Promise<SimulationDescription> {
  const state = await loadSimulationRun(store, runId);
  const { config, seed } = configOfSimulation(store, state);
  const holder = await store.work.holder(RUNS_QUEUE, runId);
  const { max_turns, checkpoint_interval } = config.simulation;
  const reason = state["termination_reason"];
  const elapsed = state["elapsed_time_seconds"];
  const manager = new CheckpointManager(store, runId, null);
  return {
    state,
    config,
    seed,
    turn: (await manager.head(runId, "last"))?.turn ?? state.turn ?? 0,
    max_turns,
    checkpoint_interval,
    checkpoints: await manager.list(),
    ...(holder === undefined ? {} : { holder }),
    ...(state.parent === undefined
      ? {}
      : { parent: { run_id: state.parent.run_id, turn: state.parent.turn } }),
    ...(typeof reason === "string" ? { termination_reason: reason } : {}),
    elapsed_time_seconds: typeof elapsed === "number" ? elapsed : 0,
  };
}
