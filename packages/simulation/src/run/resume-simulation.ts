import { CheckpointManager } from "@holdfast/checkpoint";
import { type Store, systemClock } from "@holdfast/storage";
import { type RunState, runStore } from "@holdfast/task-store";
import { loadParts } from "../engine/parts.ts";
import { SimulationError } from "../errors.ts";
import { claimAgain, underClaim } from "./claimed.ts";
import { configOfSimulation, loadSimulationRun } from "./config-of-run.ts";
import type { ResumeSimulationOptions, SimulationResult } from "./options.ts";
import { Session } from "./session.ts";
import { lastDurable } from "./starting-point.ts";

/**
 * Goes on with a run after a crash, an interruption or a failure, from its last durable turn, with the config it was started with.
 *
 * The turn that was under way is made again: its random numbers are the same, and what it remembered with `ctx.once` is not done again. A damaged `last` is
 * replaced by the newest whole checkpoint, and said so. Of a run that was over but for its results only these are completed. A completed
 * run gives its result, and nothing is done; to go further than its end, fork it.
 *
 * @throws {SimulationError} `SIMULATION_RUN_MISSING`, `SIMULATION_RUN_KIND`, `SIMULATION_RUN_HELD` (with who holds it), `SIMULATION_RUN_DAMAGED`,
 * `SIMULATION_CHECKPOINT_MISSING`, `SIMULATION_MODULE`.
 * @throws {CheckpointLoadError} When no checkpoint can be read.
 * @throws As `runSimulation()`.
 */
export async function resumeSimulation(
  runId: string,
  options: ResumeSimulationOptions,
): Promise<SimulationResult> {
  const { store, clock = systemClock } = options;
  const before = await loadSimulationRun(store, runId);
  if (before.status === "completed") return completedResult(store, before);
  const { config, seed } = configOfSimulation(store, before);
  const parts = await loadParts(config, options);
  const claim = await claimAgain(store, runId);
  if (claim === undefined) return endedMeanwhile(store, runId);
  return underClaim(store, claim, async () => {
    // Read again: whoever held the run until now may have taken it further.
    const state = await loadSimulationRun(store, runId);
    if (state.status === "completed") return completedResult(store, state);
    const start = await lastDurable(store, state, seed, (note) => options.onNote?.(note));
    const change = start === undefined ? {} : { turn: start.state.turn };
    const run = await runStore(store, { clock }).resume(runId, { fence: claim, change });
    const session = await Session.open({ run, config, seed, parts, claim, options });
    return session.work(start);
  });
}

async function completedResult(store: Store, state: RunState): Promise<SimulationResult> {
  const { run_id } = state;
  const results = await new CheckpointManager(store, run_id, null).loadResults();
  const reason = results?.summary_stats.termination_reason ?? state["termination_reason"];
  return {
    run_id,
    status: "completed",
    turn: state.turn ?? results?.final_state.turn ?? 0,
    ...(typeof reason === "string" ? { termination_reason: reason } : {}),
  };
}

/** A run is settled as done after its state says completed. */
async function endedMeanwhile(store: Store, runId: string): Promise<SimulationResult> {
  const state = await loadSimulationRun(store, runId);
  if (state.status === "completed") return completedResult(store, state);
  const path = store.locate({ document: `runs/${runId}/run` });
  const message = `Cannot resume run "${runId}": it was completed, but its state "${path}" says ${state.status}: it was changed; run holdfast verify ${runId}`;
  throw new SimulationError("SIMULATION_RUN_DAMAGED", message, { path });
}
