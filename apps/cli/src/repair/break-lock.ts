import type { FileStore, Holder } from "@holdfast/storage";
import { JOBS_QUEUE, jobIdSchema, jobStore, runIdSchema } from "@holdfast/task-store";
import { requireRun } from "../commands/runs.ts";
import type { Context } from "../context.ts";
import { CommandError, EXIT } from "../failure.ts";

/** A run or a job, by its id: which queue its lock is in, and where its files are. */
export interface Held {
  readonly queue: "runs" | typeof JOBS_QUEUE;
  readonly id: string;
  /** What the keys of its records begin with. */
  readonly prefix: string;
  /** The runs of a job: whoever holds the job holds the one that it works on. */
  readonly runs: readonly string[];
}

/** The run of an id, or the job; where there is neither, the error says how to find the right one. */
export async function requireHeld(store: FileStore, id: string): Promise<Held> {
  const job = jobIdSchema.safeParse(id).success ? await jobStore(store).load(id) : undefined;
  if (job === undefined) {
    await requireRun(store, id);
    return { queue: "runs", id, prefix: `runs/${id}/`, runs: [] };
  }
  const { under_way: underWay } = job;
  const now =
    typeof underWay === "object" && underWay !== null && "run_id" in underWay ? underWay.run_id : "";
  const runs = [...job.history.map((entry) => entry.run_id), now];
  return {
    queue: JOBS_QUEUE,
    id,
    prefix: `jobs/${id}/`,
    runs: [...new Set(runs)].flatMap((run) => runIdSchema.safeParse(run).data ?? []),
  };
}

/** Frees a run, or a job and its run, from a holder that cannot be judged from here. One that runs on this machine keeps it. */
export async function breakLock(
  context: Context,
  store: FileStore,
  held: Held,
  dryRun: boolean,
): Promise<void> {
  const free = async (queue: string, id: string): Promise<Holder[]> => {
    const holder = dryRun ? await store.work.holder(queue, id) : await store.breakClaim(queue, id);
    if (holder === undefined) return [];
    const who = `process ${holder.pid ?? "?"} on ${holder.host ?? "?"}, holder of ${id} since ${holder.since ?? "?"}`;
    await context.note(dryRun ? `would fence off ${who}` : `fenced off ${who}`);
    return [holder];
  };
  // The run first: should this be stopped in between, the job still says that somebody is meant.
  const places = [...held.runs.map((run) => ["runs", run] as const), [held.queue, held.id] as const];
  const freed: Holder[] = [];
  for (const [queue, id] of places) freed.push(...(await free(queue, id)));
  if (freed.length === 0) await context.note(`nobody holds ${held.id}`);
}

/** The error for `--break-lock` without an id. */
export function breakLockUsage(): CommandError {
  return new CommandError("USAGE", "--break-lock needs the run or the job whose lock is meant", EXIT.usage);
}
