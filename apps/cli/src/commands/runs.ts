import { CheckpointManager } from "@holdfast/checkpoint";
import type { FileStore, Store } from "@holdfast/storage";
import { type RunState, type RunStatus, runIdSchema, runStore } from "@holdfast/task-store";
import type { Context } from "../context.ts";
import { CommandError, EXIT } from "../failure.ts";
import { printable, table } from "../table.ts";

/** The state of a run, or the error that says how to find the right id. */
export async function requireRun(store: FileStore, runId: string): Promise<RunState> {
  const state = runIdSchema.safeParse(runId).success ? await runStore(store).load(runId) : undefined;
  if (state === undefined) {
    throw new CommandError(
      "RUN_NOT_FOUND",
      `Cannot find run "${runId}": the store "${store.root}" has none of that name; holdfast runs lists them`,
      EXIT.notFound,
    );
  }
  return state;
}

/** Lists runs, newest first. */
export async function runs(
  context: Context,
  options: { readonly kind?: string; readonly status?: string; readonly limit?: number },
): Promise<undefined> {
  const store = context.store();
  const found = await allRuns(
    store,
    (state) =>
      (options.kind === undefined || state.kind === options.kind) &&
      (options.status === undefined || state.status === options.status),
  );
  const newest = found.slice(0, options.limit ?? found.length);
  const shown = await Promise.all(newest.map((state) => withLastTurn(store, state)));
  if (context.json) {
    for (const state of shown) if (!(await context.item(state, ""))) break;
    return undefined;
  }
  const rows = shown.map((state) => [
    state.run_id,
    colouredStatus(context, state.status),
    printable(state.name),
    state.task_id ?? "",
    state.current_stage ?? (state.turn === undefined ? "" : `turn ${state.turn}`),
    state.started_at.slice(0, 19).replace("T", " "),
  ]);
  if (rows.length > 0)
    await context.out.write(table([["RUN", "STATUS", "NAME", "TASK", "STAGE", "STARTED (UTC)"], ...rows]));
  else await context.note(`no runs in ${context.root}`);
  return undefined;
}

/** The turn that a run of a simulation is at: its state tells of it now and then while it is made, its last checkpoint always. */
async function withLastTurn(store: Store, state: RunState): Promise<RunState> {
  if (state.kind !== "simulation" || state.status !== "running") return state;
  const last = await new CheckpointManager(store, state.run_id, null).head(state.run_id, "last");
  return last === undefined ? state : { ...state, turn: last.turn };
}

/** Every run that a condition keeps, newest first. */
export async function allRuns(store: Store, keep: (state: RunState) => boolean): Promise<RunState[]> {
  const found: RunState[] = [];
  for await (const state of runStore(store).list()) if (keep(state)) found.push(state);
  return found.toSorted((a, b) =>
    a.started_at < b.started_at ? 1 : a.started_at > b.started_at ? -1 : a.run_id < b.run_id ? 1 : -1,
  );
}

/** The word for a run's status, in its colour. */
export function colouredStatus(context: Context, status: RunStatus): string {
  const colours = { running: "cyan", completed: "green", failed: "red", aborted: "yellow" } as const;
  return context.style(colours[status], status);
}
