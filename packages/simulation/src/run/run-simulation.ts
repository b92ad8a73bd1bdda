import { systemClock } from "@holdfast/storage";
import { runStore } from "@holdfast/task-store";
import { claimNew, underClaim } from "./claimed.ts";
import type { RunSimulationOptions, SimulationResult } from "./options.ts";
import { newRunId, prepare, snapshotOf } from "./prepare.ts";
import { Session } from "./session.ts";

/**
 * Runs a simulation from its first turn to its end.
 *
 * The config is checked and everything it names is loaded before anything is created. After each turn its state is durable as `last`, at
 * the interval and at the end also as `turn_<n>`, and then the state of the run; what a turn remembered with `ctx.once` is durable before. When it
 * resolves, the events are durable too.
 *
 * @returns How it ended: a run that failed by its engine and an aborted one are results, not errors.
 * @throws {ConfigError} `CONFIG_INVALID`; nothing was created.
 * @throws {SimulationError} `SIMULATION_MODULE`; nothing was created.
 * @throws {RunIDCollisionError} `RUN_ID_COLLISION` when all ids of the second are taken.
 * @throws {CheckpointSaveError} When a turn cannot be saved: all checkpoints before are whole, and the run can be resumed.
 * @throws Errors of the store as they are (a lost claim, a failed sync), and what `onTurn` throws.
 */
export async function runSimulation(options: RunSimulationOptions): Promise<SimulationResult> {
  const { store, clock = systemClock } = options;
  const prepared = await prepare(options.config, options, options);
  const { config, seed, parts } = prepared;
  const runId = await newRunId(store, prepared, clock);
  const claim = await claimNew(store, runId);
  return underClaim(store, claim, async () => {
    const run = await runStore(store, { clock }).create(
      {
        run_id: runId,
        kind: "simulation",
        name: config.simulation.name,
        turn: 0,
        config_snapshot: snapshotOf(config),
      },
      { fence: claim },
    );
    const session = await Session.open({ run, config, seed, parts, claim, options });
    return session.work(undefined);
  });
}
