import type { Store } from "@holdfast/storage";
import { type RunState, runStore } from "@holdfast/task-store";
import { type SimulationConfig, simulationConfigSchema } from "../config/schema.ts";
import { SimulationError } from "../errors.ts";

/** The config of a run, whose seed is known. */
export interface KeptConfig {
  readonly config: SimulationConfig;
  readonly seed: number;
}

/**
 * The state of a run of a simulation.
 *
 * @throws {SimulationError} `SIMULATION_RUN_MISSING`, `SIMULATION_RUN_KIND`.
 */
export async function loadSimulationRun(store: Store, runId: string): Promise<RunState> {
  const state = await runStore(store).load(runId);
  const path = store.locate({ document: `runs/${runId}/run` });
  if (state === undefined) {
    const message = `Cannot find run "${runId}": there is no "${path}"; holdfast runs lists what is there`;
    throw new SimulationError("SIMULATION_RUN_MISSING", message, { path });
  }
  if (state.kind === "simulation") return state;
  const message = `Cannot take run "${runId}" for a simulation: it is a ${state.kind}`;
  throw new SimulationError("SIMULATION_RUN_KIND", message, { path });
}

/**
 * The config a run was started with, from its state.
 *
 * @throws {SimulationError} `SIMULATION_RUN_DAMAGED` when it is none.
 */
export function configOfSimulation(store: Store, state: RunState): KeptConfig {
  const parsed = simulationConfigSchema.safeParse(state.config_snapshot);
  const seed = parsed.data?.simulation.seed;
  if (parsed.success && seed !== undefined) return { config: parsed.data, seed };
  const path = store.locate({ document: `runs/${state.run_id}/run` });
  const issue = parsed.error?.issues[0];
  const reason = issue === undefined ? "it has no seed" : `${issue.path.join(".")}: ${issue.message}`;
  const message = `Cannot use run "${state.run_id}": the config kept in "${path}" is no simulation's (${reason}); run holdfast verify ${state.run_id}`;
  throw new SimulationError("SIMULATION_RUN_DAMAGED", message, { path, cause: parsed.error });
}
