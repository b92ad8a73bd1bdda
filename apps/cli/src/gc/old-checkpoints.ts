import type { Fence, FileStore } from "@holdfast/storage";
import type { RunState } from "@holdfast/task-store";
import type { AgeClock } from "./age-clock.ts";
import { durationText } from "./duration.ts";
import { readLineage } from "./lineage.ts";
import type { Removal } from "./removal.ts";
import { recordRemoval } from "./removed-checkpoints.ts";
import { ageOf, type StoredFile, storedDocument } from "./stored-file.ts";

/** Which checkpoints are old. */
export interface KeepRules {
  /** Keep this many interval checkpoints of a run. */
  readonly keepLast?: number;
  /** Keep what was written more recently than this. */
  readonly olderThanMs?: number;
}

interface Candidate extends StoredFile {
  readonly turn: number;
  readonly key: string;
}

/**
 * The interval checkpoints of a run that may go. `last`, the newest one (the final one of a completed run; otherwise what `last` falls
 * back to) and those that forks started from always stay.
 *
 * @param forked - Turns that forks of the run started from.
 * @param fence - The claim of the run, where it can be claimed.
 */
export async function oldCheckpoints(
  store: FileStore,
  run: RunState,
  forked: ReadonlySet<number>,
  rules: KeepRules & { readonly clock: AgeClock; readonly fence?: Fence | undefined },
): Promise<Removal[]> {
  const { keepLast, olderThanMs, clock, fence } = rules;
  if (keepLast === undefined && olderThanMs === undefined) return [];
  const isOld = (file: StoredFile | undefined): boolean =>
    file !== undefined && (olderThanMs === undefined || ageOf(file, clock) >= olderThanMs);
  const all = await turnsOf(store, run.run_id);
  // A completed run ends with its final checkpoint, which is none of the interval's.
  const interval = all.slice(0, -1);
  const kept = keepLast === undefined ? 0 : keepLast - (run.status === "completed" ? 0 : 1);
  const old = interval
    .slice(0, Math.max(0, interval.length - Math.max(0, kept)))
    .filter(isOld)
    .filter(({ turn }) => !forked.has(turn));
  const removal = new CheckpointRemoval(store, run.run_id, fence);
  const turns = old.map(({ turn }) => turn);
  return old.map((file) => ({
    kind: "checkpoint",
    path: file.path,
    bytes: file.bytes,
    run_id: run.run_id,
    reason: reasonOf(rules, ageOf(file, clock)),
    remove: async () => isOld(storedDocument(store, file.key)) && removal.remove(file.turn, file.key, turns),
  }));
}

/** Removes checkpoints of one run; before the first, it takes note of all and looks again for forks that need one. */
class CheckpointRemoval {
  readonly #store: FileStore;
  readonly #runId: string;
  readonly #options: { readonly fence?: Fence };
  #allowed: Promise<(turn: number) => boolean> | undefined;

  constructor(store: FileStore, runId: string, fence: Fence | undefined) {
    this.#store = store;
    this.#runId = runId;
    this.#options = fence === undefined ? {} : { fence };
  }

  async remove(turn: number, key: string, all: readonly number[]): Promise<boolean> {
    this.#allowed ??= this.#begin(all);
    if (!(await this.#allowed)(turn)) return false;
    await this.#store.documents.delete(key, this.#options);
    return true;
  }

  async #begin(all: readonly number[]): Promise<(turn: number) => boolean> {
    const { forkedTurns, unreadable } = await readLineage(this.#store);
    const forked = forkedTurns.get(this.#runId);
    const allowed = (turn: number): boolean => unreadable.length === 0 && forked?.has(turn) !== true;
    await recordRemoval(this.#store, this.#runId, all.filter(allowed), this.#options);
    return allowed;
  }
}

function reasonOf({ keepLast, olderThanMs }: KeepRules, ageMs: number): string {
  const age = `written ${durationText(Math.floor(ageMs / 3_600_000) * 3_600_000)} ago`;
  if (keepLast === undefined) return age;
  const count = `not among the newest ${keepLast}`;
  return olderThanMs === undefined ? count : `${count}, ${age}`;
}

/** The checkpoints of a run that belong to a turn, by turn. */
async function turnsOf(store: FileStore, runId: string): Promise<Candidate[]> {
  const prefix = `runs/${runId}/checkpoints/turn_`;
  const found: Candidate[] = [];
  let after: string | undefined;
  do {
    const page = await store.documents.list(prefix, after === undefined ? {} : { after });
    for (const { key } of page.items) {
      const turn = /^\d{1,15}$/.test(key.slice(prefix.length)) ? Number(key.slice(prefix.length)) : undefined;
      const file = storedDocument(store, key);
      if (turn !== undefined && file !== undefined) found.push({ ...file, turn, key });
    }
    after = page.cursor;
  } while (after !== undefined);
  return found.toSorted((a, b) => a.turn - b.turn);
}
