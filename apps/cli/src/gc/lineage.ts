import type { FileStore } from "@holdfast/storage";
import { type RunState, runStore } from "@holdfast/task-store";

/** The runs of a store as `gc` needs them. */
export interface Lineage {
  readonly runs: readonly RunState[];
  /** By run: the turns that forks of it started from. */
  readonly forkedTurns: ReadonlyMap<string, ReadonlySet<number>>;
  /** Runs whose state cannot be read: nobody knows where they were forked from. */
  readonly unreadable: readonly string[];
}

/** Reads every run's state: which runs there are, and which checkpoints forks point to. */
export async function readLineage(store: FileStore): Promise<Lineage> {
  const runs: RunState[] = [];
  const unreadable: string[] = [];
  const forkedTurns = new Map<string, Set<number>>();
  for await (const state of runStore(store).list({ onDamaged: (id) => unreadable.push(id) })) {
    runs.push(state);
    if (state.parent === undefined) continue;
    const turns = forkedTurns.get(state.parent.run_id) ?? new Set<number>();
    turns.add(state.parent.turn);
    forkedTurns.set(state.parent.run_id, turns);
  }
  return { runs, forkedTurns, unreadable };
}
