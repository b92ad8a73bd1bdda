import { CheckpointLoadError, CheckpointManager, type LoadedCheckpoint } from "@holdfast/checkpoint";
import type { FileStore } from "@holdfast/storage";
import type { RunState } from "@holdfast/task-store";
import { requireRun } from "../commands/runs.ts";
import type { Context } from "../context.ts";
import { CommandError, EXIT } from "../failure.ts";

/** The state of a simulation's run; a run of another kind is wrong usage. */
export async function requireSimulation(store: FileStore, runId: string): Promise<RunState> {
  const state = await requireRun(store, runId);
  if (state.kind === "simulation") return state;
  throw new CommandError(
    "SIMULATION_RUN_KIND",
    `Cannot do this with run "${runId}": it is a ${state.kind}, and only simulations have turns and checkpoints`,
    EXIT.usage,
  );
}

/** Says that there is no checkpoint of a turn, and of which there are. */
export async function requireTurn(store: FileStore, runId: string, turn: number): Promise<void> {
  const entries = await new CheckpointManager(store, runId, null).list();
  if (!entries.some((entry) => entry.turn === turn)) throw missing(runId, turn, entries);
}

/** A checkpoint; where another had to be taken in place of a damaged `last`, that is said. */
export async function requireCheckpoint(
  context: Context,
  runId: string,
  which: number | "last",
): Promise<LoadedCheckpoint> {
  const manager = new CheckpointManager(context.store(), runId, null);
  try {
    const loaded = await manager.load(runId, which);
    if (loaded.fallback !== undefined)
      await context.warn(
        `${loaded.fallback.message}; this is the newest whole one, of turn ${loaded.checkpoint.turn}`,
      );
    return loaded;
  } catch (error) {
    if (which === "last" || !(error instanceof CheckpointLoadError && error.code === "CHECKPOINT_MISSING"))
      throw error;
    throw missing(runId, which, await manager.list());
  }
}

function missing(runId: string, turn: number, entries: readonly { readonly turn: number }[]): CommandError {
  const turns = entries.map((entry) => entry.turn);
  const shown =
    turns.length > 40
      ? `${turns.slice(0, 20).join(", ")}, ... ${turns.slice(-20).join(", ")}`
      : turns.join(", ");
  const there = turns.length === 0 ? "the run has none but its last" : `there are those of ${shown}`;
  return new CommandError(
    "CHECKPOINT_MISSING",
    `Cannot find the checkpoint of turn ${turn} of run "${runId}": ${there}; holdfast checkpoints ${runId} lists them`,
    EXIT.notFound,
  );
}
