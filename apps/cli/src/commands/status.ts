import type { FileStore } from "@holdfast/storage";
import type { RunState } from "@holdfast/task-store";
import type { Context } from "../context.ts";
import { EXIT } from "../failure.ts";
import { simulationStatus, simulationStory } from "../status/simulation.ts";
import type { Told } from "../status/told.ts";
import { printable } from "../table.ts";
import { allRuns, requireRun } from "./runs.ts";

/** Where a run stands, or every run that has not completed. */
export async function status(context: Context, runId: string | undefined): Promise<number> {
  const store = context.store();
  if (runId !== undefined) {
    const { document, text } = await statusOf(context, store, await requireRun(store, runId));
    await context.result(document, text);
    return EXIT.done;
  }
  const open = await allRuns(store, (state) => state.status !== "completed");
  if (open.length === 0) await context.note(`no unfinished runs in ${context.root}; holdfast runs lists all`);
  for (const state of open) {
    const { document, text } = await statusOf(context, store, state);
    if (!(await context.item(document, text.trimEnd()))) break;
  }
  return EXIT.done;
}

/** Everything about a run; with `transcript`, its story alone. */
export async function show(
  context: Context,
  runId: string,
  options: { readonly transcript?: boolean },
): Promise<number> {
  const store = context.store();
  const state = await requireRun(store, runId);
  if (options.transcript === true) {
    for await (const { position, text } of store.logs.read(`runs/${runId}/transcript`)) {
      if (!(await context.item({ line: position, text }, printable(text)))) break;
    }
    return EXIT.done;
  }
  const { document, text } = await storyOf(context, store, state);
  await context.result(document, text);
  return EXIT.done;
}

async function statusOf(context: Context, store: FileStore, { run_id: id, kind }: RunState): Promise<Told> {
  return kind === "workflow"
    ? (await import("../status/workflow.ts")).workflowStatus(context, store, id)
    : simulationStatus(context, store, id);
}

async function storyOf(context: Context, store: FileStore, { run_id: id, kind }: RunState): Promise<Told> {
  return kind === "workflow"
    ? (await import("../status/workflow.ts")).workflowStory(context, store, id)
    : simulationStory(context, store, id);
}
