import { parseTimestamp, type Store } from "@holdfast/storage";
import { describeRun, type RunDescription, type StepDescription } from "@holdfast/workflow";
import { colouredStatus } from "../commands/runs.ts";
import type { Context } from "../context.ts";
import { formatDuration, printable, table } from "../table.ts";
import type { Told } from "./told.ts";

/** Where a workflow run stands. */
export async function workflowStatus(context: Context, store: Store, runId: string): Promise<Told> {
  const description = await describeRun(store, runId);
  return { document: description, text: statusText(context, description) };
}

/** Everything about a workflow run. */
export async function workflowStory(context: Context, store: Store, runId: string): Promise<Told> {
  const description = await describeRun(store, runId);
  const transcript: string[] = [];
  if (!context.json) {
    for await (const { text } of store.logs.read(`runs/${runId}/transcript`))
      transcript.push(printable(text));
  }
  const { state } = description;
  const facts = [
    ["started", state.started_at],
    ["updated", state.updated_at],
    ...(state.completed_at === undefined ? [] : [["completed", state.completed_at]]),
    ["attempts", String(state.attempts)],
    ["folder", store.locate({ document: `runs/${runId}/run` })],
  ];
  const text = `${statusText(context, description)}\n${table(facts, { indent: "  " })}\n${description.steps
    .map((step) => stepDetails(step))
    .join("")}\nstory\n${transcript.map((line) => `  ${line}\n`).join("")}`;
  return { document: description, text };
}

function statusText(context: Context, description: RunDescription): string {
  const { state, steps } = description;
  const stage =
    state.status === "completed" || state.current_stage === undefined ? "" : `, at ${state.current_stage}`;
  const head = `${context.style("bold", state.run_id)}  ${colouredStatus(context, state.status)}${stage}  ${printable(state.name)}${state.task_id === undefined ? "" : ` / ${printable(state.task_id)}`}\n`;
  const rows = steps.map((step) => [
    `${step.step}`,
    printable(step.stage),
    printable(step.agent),
    stepStatus(context, step),
    step.event === undefined
      ? ""
      : printable(`${step.event}${step.event_status === undefined ? "" : ` (${step.event_status})`}`),
    step.time_seconds === undefined ? "" : formatDuration(step.time_seconds * 1_000),
    step.artifacts.length === 0
      ? ""
      : `${step.artifacts.length} ${step.artifacts.length === 1 ? "artifact" : "artifacts"}`,
  ]);
  const holder =
    description.holder === undefined
      ? ""
      : `  held by pid ${description.holder.pid ?? "?"} on ${description.holder.host ?? "?"} since ${description.holder.since ?? "?"}\n`;
  const error =
    state.error === undefined
      ? ""
      : `  ${context.style("red", state.error.code)}: ${printable(state.error.message)}\n`;
  const next = nextText(description);
  return `${head}${table(rows, { indent: "  " })}${holder}${error}${next === "" ? "" : `  ${next}\n`}`;
}

function stepStatus(context: Context, step: StepDescription): string {
  const colours = {
    done: "green",
    pending: "yellow",
    in_doubt: "yellow",
    failed: "red",
    discarded: "dim",
  } as const;
  return context.style(colours[step.status], step.status.replace("_", " "));
}

function nextText(description: RunDescription): string {
  const { state, in_doubt: inDoubt, holder } = description;
  if (state.status === "completed") return "";
  if (holder !== undefined) return "it is running";
  const doubt =
    inDoubt.length === 0
      ? ""
      : `step ${inDoubt.map((step) => step.step).join(", ")} is in doubt: it was sent, and how it ended is unknown; `;
  return `${doubt}holdfast resume ${state.run_id} goes on`;
}

function stepDetails(step: StepDescription): string {
  const artifacts = step.artifacts
    .map((artifact) => `      ${printable(artifact.path)}  ${artifact.sha256}\n`)
    .join("");
  const error =
    step.error === undefined ? "" : `      ${step.error.code}: ${printable(step.error.message)}\n`;
  const times =
    step.started_at === undefined || step.ended_at === undefined
      ? ""
      : `, ${formatDuration(Number(parseTimestamp(step.ended_at) - parseTimestamp(step.started_at)) / 1_000)}`;
  return `  step ${step.step}  ${printable(step.action)} by ${printable(step.agent)}, attempts ${step.attempts} of ${step.max_attempts}${times}\n      key ${step.key}\n      snapshot ${step.snapshot_id}\n${artifacts}${error}`;
}
