import { CheckpointLoadError, CheckpointManager, type LoadedCheckpoint } from "@holdfast/checkpoint";
import type { Store } from "@holdfast/storage";
import type { RunState } from "@holdfast/task-store";
import type { SimulationState } from "../engine/engine.ts";
import { SimulationError } from "../errors.ts";
import { plainJson } from "../state/plain-json.ts";
import { Generator, type RandomState, randomStateSchema } from "../state/random.ts";
import type { MadeTurn } from "../turn/make-turn.ts";
import type { SimulationNote } from "./options.ts";
import type { StartingPoint } from "./session.ts";

/** A checkpoint as the loop goes on from it: in the order of keys that the engine saw when it was made. */
export function madeTurnOf({ checkpoint }: LoadedCheckpoint, seed: number): MadeTurn {
  const state = plainJson(checkpoint.state, "state") as SimulationState;
  return { state, random: randomOfCheckpoint(checkpoint.random, seed, state.turn) };
}

/** A checkpoint that was written elsewhere has no generator; then seed and turn decide. */
function randomOfCheckpoint(random: unknown, seed: number, turn: number): RandomState {
  const parsed = randomStateSchema.safeParse(random);
  return parsed.success ? parsed.data : Generator.from(seed, `engine from turn ${turn}`).state();
}

/**
 * Where a run goes on: its last durable turn. `undefined` when it was stopped before there was one.
 *
 * @throws {CheckpointLoadError} When none of its checkpoints can be read.
 */
export async function lastDurable(
  store: Store,
  run: RunState,
  seed: number,
  note: (note: SimulationNote) => void,
): Promise<StartingPoint | undefined> {
  const manager = new CheckpointManager(store, run.run_id, null);
  let loaded: LoadedCheckpoint;
  try {
    loaded = await manager.load(run.run_id, "last");
  } catch (error) {
    const isMissing = error instanceof CheckpointLoadError && error.code === "CHECKPOINT_MISSING";
    if (!isMissing) throw error;
    // Nothing was saved, or everything is gone: only the first is a beginning.
    if ((run.turn ?? 0) === 0 && run.parent === undefined) return undefined;
    const path = store.locate({ document: `runs/${run.run_id}/checkpoints/last` });
    const message = `Cannot resume run "${run.run_id}": it was at turn ${run.turn ?? 0}, but has no checkpoint any more; restore "${path}", or start a new run`;
    throw new SimulationError("SIMULATION_CHECKPOINT_MISSING", message, { path, cause: error });
  }
  const { fallback } = loaded;
  const made = madeTurnOf(loaded, seed);
  if (fallback !== undefined) {
    const message = `${fallback.message}; the run goes on from the newest whole one, turn ${made.state.turn}, and makes the turns after it again`;
    note({ kind: "warning", message });
  }
  return { ...made, isLast: fallback === undefined };
}

/**
 * The checkpoint of a turn of a run: the one that stays, or `last` where it is of this turn.
 *
 * @throws {SimulationError} `SIMULATION_CHECKPOINT_MISSING`, which names the turns there are.
 * @throws {CheckpointLoadError} When it cannot be read.
 */
export async function checkpointOfTurn(store: Store, runId: string, turn: number): Promise<LoadedCheckpoint> {
  const manager = new CheckpointManager(store, runId, null);
  const turns = (await manager.list(runId)).map((entry) => entry.turn);
  if (turns.includes(turn)) return manager.load(runId, turn);
  const last = await lastOf(manager, runId);
  if (last?.checkpoint.turn === turn && last.fallback === undefined) return last;
  const path = store.locate({ document: `runs/${runId}/checkpoints/turn_${turn}` });
  const latest = last?.checkpoint.turn;
  const known = [
    ...turns,
    ...(latest === undefined || turns.includes(latest) ? [] : [`${latest} (last)`]),
  ].join(", ");
  const message = `Cannot find turn ${turn} of run "${runId}": there is no "${path}"; ${known === "" ? "the run has no checkpoint" : `it has the turns ${known}`}`;
  throw new SimulationError("SIMULATION_CHECKPOINT_MISSING", message, { path });
}

async function lastOf(manager: CheckpointManager, runId: string): Promise<LoadedCheckpoint | undefined> {
  try {
    return await manager.load(runId, "last");
  } catch (error) {
    if (error instanceof CheckpointLoadError) return undefined;
    throw error;
  }
}
