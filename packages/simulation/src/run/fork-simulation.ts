import { CheckpointManager } from "@holdfast/checkpoint";
import { systemClock } from "@holdfast/storage";
import { runStore } from "@holdfast/task-store";
import { SimulationError } from "../errors.ts";
import { firstRandom } from "../turn/turn.ts";
import { claimNew, underClaim } from "./claimed.ts";
import { configOfSimulation, type KeptConfig, loadSimulationRun } from "./config-of-run.ts";
import type { ForkSimulationOptions, SimulationResult } from "./options.ts";
import { newRunId, prepare, snapshotOf } from "./prepare.ts";
import { Session } from "./session.ts";
import { checkpointOfTurn, madeTurnOf } from "./starting-point.ts";

/**
 * Starts a new run from a checkpoint of another: the same state, the same random numbers from there on, and a note of where it came from
 * (`parent`). The other run is only read, and may be under way. What it remembered with `ctx.once` is not taken over.
 *
 * @param runId - The run to fork, of any status; a fork too.
 * @param turn - A turn it has a checkpoint of.
 * @param options - What is different; another `seed` also begins the random numbers anew.
 * @throws {SimulationError} `SIMULATION_RUN_MISSING`, `SIMULATION_RUN_KIND`, `SIMULATION_CHECKPOINT_MISSING`, `SIMULATION_FORK_END`, `SIMULATION_MODULE`.
 * @throws {CheckpointLoadError} When the checkpoint cannot be read.
 * @throws As `runSimulation()`.
 */
export async function forkSimulation(
  runId: string,
  turn: number,
  options: ForkSimulationOptions,
): Promise<SimulationResult> {
  if (!Number.isSafeInteger(turn) || turn < 0)
    throw new RangeError(`turn must be a whole number from 0, not ${turn}`);
  const { store, clock = systemClock } = options;
  const parent = await loadSimulationRun(store, runId);
  const kept = configOfSimulation(store, parent);
  const loaded = await checkpointOfTurn(store, runId, turn);
  const prepared = await prepare(configToFork(options.config, kept), options, options);
  const { config, seed, parts } = prepared;
  const { max_turns } = config.simulation;
  if (turn >= max_turns) {
    const message = `Cannot fork run "${runId}" at turn ${turn}: the new run would end there, its max_turns is ${max_turns}; give it more`;
    throw new SimulationError("SIMULATION_FORK_END", message, { path: loaded.path });
  }
  const made = madeTurnOf(loaded, seed);
  // A replay of the fork decides by the two seeds as well.
  const random = seed === kept.seed ? made.random : firstRandom(seed);
  const forkId = await newRunId(store, prepared, clock);
  const claim = await claimNew(store, forkId);
  return underClaim(store, claim, async () => {
    // First the state, then the run that names it: a run that is there can be resumed.
    const manager = new CheckpointManager(store, forkId, null, {
      fence: claim,
      clock,
      compression: config.simulation.checkpoint_compression,
    });
    await manager.save(made.state, "last", { random });
    const run = await runStore(store, { clock }).create(
      {
        run_id: forkId,
        kind: "simulation",
        name: config.simulation.name,
        turn,
        config_snapshot: snapshotOf(config),
        parent: { run_id: runId, turn },
      },
      { fence: claim },
    );
    const session = await Session.open({ run, config, seed, parts, claim, options });
    return session.work({ state: made.state, random, isLast: true });
  });
}

/** Another config, with the seed of the run where it names none: its turns are to draw the same numbers. */
function configToFork(other: ForkSimulationOptions["config"], kept: KeptConfig): unknown {
  if (other === undefined) return snapshotOf(kept.config);
  const { simulation } = other;
  return { ...other, simulation: { ...simulation, seed: simulation.seed ?? kept.seed } };
}
