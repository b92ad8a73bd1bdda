import type { Artifact } from "@holdfast/ledger";
import type { Store } from "@holdfast/storage";
import { describeArtifact } from "../agent/artifact.ts";
import type { Step } from "../flow/progress.ts";
import { configOfRun } from "../run/config-snapshot.ts";
import { loadWorkflowRun, readStory } from "../run/describe-run.ts";
import { codeOf, messageOf, textOf } from "../unknown-value.ts";

/** What an agent says of its step. */
export type StepOutcome = "COMPLETED" | "STUCK" | "RETRY";

/** A step's answer, and what it cost. */
export interface StepAnswer {
  readonly outcome: StepOutcome;
  readonly summary: string | undefined;
  readonly evidence: readonly Artifact[];
}

const OUTCOMES: readonly string[] = ["COMPLETED", "STUCK", "RETRY"];
const MAX_SUMMARY = 4_000;
const MAX_EVIDENCE = 100;

const isOutcome = (text: string | undefined): text is StepOutcome =>
  text !== undefined && OUTCOMES.includes(text);
const clipped = (text: string): string => text.slice(0, MAX_SUMMARY).toWellFormed();

/** What the attempts of a run cost, as the payloads of its terminal events say; those that failed were paid for too. */
export async function costOfRun(store: Store, runId: string): Promise<number> {
  let sum = 0;
  await readStory(store, await loadWorkflowRun(store, runId), ({ message }, progress) => {
    if (message.kind !== "event" || !progress.terminalEvents.has(message.event)) return;
    const { cost } = message.payload;
    if (typeof cost === "number" && Number.isFinite(cost) && cost >= 0) sum += cost;
  });
  return sum;
}

/**
 * Reads the answer of a run that is over from the terminal event of its step.
 *
 * `payload.outcome` counts, or a `payload.status` or a status of the event that is one of the three words. Without it an event that ends
 * the step means COMPLETED, one whose status is `failed` or `failure` STUCK. A step that no attempt brought to an end is STUCK unless its last
 * `error` says otherwise, and so is an answer that cannot be used: another outcome, evidence that is not there.
 * Evidence is looked for in the run's workspace.
 */
export async function readAnswer(store: Store, runId: string): Promise<StepAnswer> {
  const { state, progress } = await readStory(store, await loadWorkflowRun(store, runId));
  const step = progress.current;
  const said = step?.settledBy?.payload ?? {};
  const summary = summaryOf(step, said);
  const stuck = (why: string): StepAnswer => {
    const text = summary === undefined ? why : `${why}; it said: ${summary}`;
    return { outcome: "STUCK", summary: clipped(text), evidence: [] };
  };
  const outcome = outcomeOf(step, said);
  if (outcome === undefined)
    return stuck(`the answer's outcome is ${JSON.stringify(said["outcome"])}, not ${OUTCOMES.join(", ")}`);
  const failed = state.status === "failed" ? state.error?.message : undefined;
  if (failed !== undefined) return { outcome, summary: clipped(summary ?? failed), evidence: [] };
  const evidence = await evidenceOf(said["evidence"], configOfRun(state).workspace);
  if ("problem" in evidence) return stuck(evidence.problem);
  return { outcome, summary, evidence: evidence.files };
}

function outcomeOf(step: Step | undefined, said: Readonly<Record<string, unknown>>): StepOutcome | undefined {
  const { outcome } = said;
  if (outcome !== undefined) {
    const text = textOf(outcome);
    return isOutcome(text) ? text : undefined;
  }
  const event = step?.settledBy;
  const status = textOf(said["status"]);
  if (isOutcome(status)) return status;
  if (isOutcome(event?.status)) return event.status;
  const bad = event === undefined || event.event === "error";
  return bad || ["failed", "failure"].includes(event.status ?? "") ? "STUCK" : "COMPLETED";
}

function summaryOf(step: Step | undefined, said: Readonly<Record<string, unknown>>): string | undefined {
  const text = textOf(said["summary"]) ?? textOf(said["message"]) ?? textOf(said["output"]);
  const verdict = step?.settledBy?.status === "changes_requested" ? "changes requested" : undefined;
  const parts = [verdict, text].filter((part) => part !== undefined && part !== "");
  return parts.length === 0 ? undefined : clipped(parts.join(": "));
}

async function evidenceOf(
  named: unknown,
  workspace: string,
): Promise<{ readonly files: readonly Artifact[] } | { readonly problem: string }> {
  if (named === undefined) return { files: [] };
  if (!Array.isArray(named) || named.length > MAX_EVIDENCE)
    return { problem: `the answer's evidence is not a list of at most ${MAX_EVIDENCE} paths` };
  const files: Artifact[] = [];
  for (const path of named as readonly unknown[]) {
    if (typeof path !== "string")
      return { problem: "the answer's evidence holds something that is not a path" };
    try {
      files.push(await describeArtifact(workspace, path));
    } catch (error) {
      const why = codeOf(error) === "ENOENT" ? "there is no such file" : messageOf(error);
      return { problem: `the answer's evidence "${path}" cannot be taken: ${why}` };
    }
  }
  return { files };
}
