import { CheckpointManager, type SimulationResults } from "@holdfast/checkpoint";
import { type InDoubt, onceStore } from "@holdfast/idempotency";
import type { FileStore, Holder } from "@holdfast/storage";
import { RUNS_QUEUE, type RunState, runStore } from "@holdfast/task-store";
import { colouredStatus } from "../commands/runs.ts";
import type { Context } from "../context.ts";
import { printable, table } from "../table.ts";
import type { Told } from "./told.ts";

/** Where a simulation stands. Field names are those of the records. */
interface SimulationStatus {
  readonly state: RunState;
  readonly max_turns: number | null;
  /** What a resume goes on from. */
  readonly last: { readonly turn: number; readonly timestamp: string; readonly path: string } | null;
  readonly checkpoints: readonly { readonly turn: number; readonly path: string }[];
  /** What a turn began by `ctx.once` and has no outcome, because its process died. */
  readonly in_doubt: readonly InDoubt[];
  readonly holder?: Holder;
}

/** Where a simulation stands. */
export async function simulationStatus(context: Context, store: FileStore, runId: string): Promise<Told> {
  const description = await describe(store, runId);
  return { document: description, text: statusText(context, description) };
}

/** Everything about a simulation but its states and events. */
export async function simulationStory(context: Context, store: FileStore, runId: string): Promise<Told> {
  const description = await describe(store, runId);
  const results = await new CheckpointManager(store, runId, null).loadResults();
  const { state, checkpoints } = description;
  const facts = [
    ["started", state.started_at],
    ["updated", state.updated_at],
    ...(state.completed_at === undefined ? [] : [["completed", state.completed_at]]),
    ["attempts", String(state.attempts)],
    ...(state.parent === undefined ? [] : [["parent", `${state.parent.run_id}, turn ${state.parent.turn}`]]),
    ["folder", store.locate({ document: `runs/${runId}/run` })],
    ...checkpoints.map(({ turn, path }, index) => [index === 0 ? "kept" : "", `turn ${turn}  ${path}`]),
    ...figuresOf(results),
  ];
  const summary = results === undefined ? {} : { summary_stats: results.summary_stats };
  return {
    document: { ...description, ...summary },
    text: `${statusText(context, description)}\n${table(facts, { indent: "  " })}`,
  };
}

async function describe(store: FileStore, runId: string): Promise<SimulationStatus> {
  const holder = await store.work.holder(RUNS_QUEUE, runId);
  const state = await runStore(store).load(runId);
  if (state === undefined) throw new RangeError(`run "${runId}" vanished while it was looked at`);
  const manager = new CheckpointManager(store, runId, null);
  const head = await manager.head(runId, "last");
  const path = store.locate({ document: `runs/${runId}/checkpoints/last` });
  const entries = await manager.list();
  return {
    state,
    max_turns: maxTurnsOf(state),
    last: head === undefined ? null : { turn: head.turn, timestamp: head.timestamp, path },
    checkpoints: entries.map((entry) => ({ turn: entry.turn, path: entry.path })),
    in_doubt: await inDoubtOf(store, state, holder),
    ...(holder === undefined ? {} : { holder }),
  };
}

/** Reads every record of the store, so only where there can be one: of a run that stands still and is not at its end. */
async function inDoubtOf(
  store: FileStore,
  { run_id: runId, status }: RunState,
  holder: Holder | undefined,
): Promise<readonly InDoubt[]> {
  if (status === "completed" || holder !== undefined) return [];
  return (await onceStore(store).inDoubt()).filter(({ key }) => key.startsWith(`${runId}/`));
}

/** From the config that the run was started with; null where that cannot be told. */
function maxTurnsOf({ config_snapshot: config }: RunState): number | null {
  const simulation: unknown = isRecord(config) ? config["simulation"] : undefined;
  const turns = isRecord(simulation) ? simulation["max_turns"] : undefined;
  return typeof turns === "number" ? turns : null;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function statusText(context: Context, status: SimulationStatus): string {
  const { state, max_turns, last, holder, in_doubt: inDoubt } = status;
  const turn = last?.turn ?? state.turn ?? 0;
  const of = max_turns === null ? "" : ` of ${max_turns}`;
  const head = `${context.style("bold", state.run_id)}  ${colouredStatus(context, state.status)}  turn ${turn}${of}  ${printable(state.name)}\n`;
  const held =
    holder === undefined
      ? ""
      : `  held by pid ${holder.pid ?? "?"} on ${holder.host ?? "?"} since ${holder.since ?? "?"}\n`;
  const error =
    state.error === undefined
      ? ""
      : `  ${context.style("red", state.error.code)}: ${printable(state.error.message)}\n`;
  const doubt = inDoubt.map(
    ({ key, started_at }) =>
      `  ${context.style("yellow", "in doubt")}: ${printable(key)} was begun at ${started_at}, and how it ended is unknown; it is asked again\n`,
  );
  return `${head}${held}${error}${doubt.join("")}${nextText(state, holder)}`;
}

function nextText(state: RunState, holder: Holder | undefined): string {
  if (state.status === "completed") return "";
  return holder === undefined ? `  holdfast resume ${state.run_id} goes on\n` : "  it is running\n";
}

function figuresOf(results: SimulationResults | undefined): string[][] {
  if (results === undefined) return [];
  return Object.entries(results.summary_stats).map(([name, value]) => [
    printable(name),
    printable(typeof value === "string" ? value : (JSON.stringify(value) ?? "")),
  ]);
}
