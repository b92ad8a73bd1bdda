import type { Claim, FileStore } from "@holdfast/storage";
import { claimRun, type RunState } from "@holdfast/task-store";
import type { AgeClock } from "./age-clock.ts";
import type { Lineage } from "./lineage.ts";
import { type KeepRules, oldCheckpoints } from "./old-checkpoints.ts";
import type { GcPlan } from "./removal.ts";
import { rotatedEvents } from "./rotated-events.ts";

/** What is asked for, and by which clock. */
export interface RunRules extends KeepRules {
  readonly clock: AgeClock;
  readonly dryRun: boolean;
}

/**
 * Plans what may go of one run and does it while nobody else can work on the run.
 *
 * @param work - Gets the plan; the claim is given back when it resolves.
 * @throws {RunError} `RUN_HELD` when somebody works on the run.
 */
export async function withRunPlan<T>(
  store: FileStore,
  run: RunState,
  lineage: Lineage,
  rules: RunRules,
  work: (plan: GcPlan) => Promise<T>,
): Promise<T> {
  // A dry run writes nothing, so it takes no claim either. A completed run is settled: nobody claims it, and nobody writes it.
  const claim = rules.dryRun ? undefined : await claimRun(store, run.run_id);
  try {
    return await work(await planOf(store, run, lineage, { ...rules, fence: claim }));
  } finally {
    if (claim !== undefined) await store.work.settle(claim, "ready");
  }
}

async function planOf(
  store: FileStore,
  run: RunState,
  lineage: Lineage,
  rules: RunRules & { readonly fence: Claim | undefined },
): Promise<GcPlan> {
  const events = rotatedEvents(store, run.run_id, rules);
  const forked = lineage.forkedTurns.get(run.run_id) ?? new Set();
  const checkpoints = run.kind === "simulation" ? await oldCheckpoints(store, run, forked, rules) : [];
  const [unreadable] = lineage.unreadable;
  if (unreadable === undefined || checkpoints.length === 0)
    return { removals: [...checkpoints, ...events], left: [] };
  const reason = `checkpoints are left alone, because run "${unreadable}" cannot be read and may be a fork of any; see holdfast verify`;
  return {
    removals: events,
    left: [{ place: store.locate({ document: `runs/${unreadable}/run` }), reason }],
  };
}
