import { CanonicalJsonError, canonicalJson } from "@holdfast/idempotency";
import {
  type Compression,
  type Fence,
  type Json,
  type JsonText,
  type Store,
  StoreConflictError,
} from "@holdfast/storage";
import { resultKey } from "./checkpoint-key.ts";
import { checkHeadChecksum } from "./head-checksum.ts";
import { isJsonObject } from "./json.ts";
import { describeIssues, nameOf } from "./load-checkpoint.ts";
import { loadDocument, loadError, newerVersion, type Subject } from "./load-error.ts";
import { type NewSimulationResults, resultsHeadSchema, type SimulationResults } from "./results.ts";
import { conflict, invalid, type SaveSubject, saving, subjectOf } from "./save-error.ts";
import { stateChecksum, stateText, UnwritableState } from "./state-text.ts";

const OTHER = "the final checkpoint holds the same state";

/** Writes the results of a run, once. The same results again are fine. */
export async function saveResults(
  store: Store,
  runId: string,
  results: NewSimulationResults,
  options: { readonly fence?: Fence | undefined; readonly compression: Compression },
): Promise<SimulationResults> {
  const key = resultKey(runId);
  const subject = subjectOf(store, key, `the results of run "${runId}"`);
  const { head, whole } = checkResults(results, runId, subject);
  let member: Json | JsonText;
  let checksum: string;
  try {
    ({ member, checksum } = stateText(whole.final_state, "final_state"));
  } catch (error) {
    if (error instanceof UnwritableState) throw invalid(subject, error.message, error);
    throw error;
  }
  const { fence, compression } = options;
  try {
    await saving(subject, () =>
      store.documents.put(
        key,
        { ...sealed({ ...head, state_sha256: checksum }), final_state: member },
        { expected: null, compression, ...(fence === undefined ? {} : { fence }) },
      ),
    );
  } catch (error) {
    const isThere = error instanceof Error && error.cause instanceof StoreConflictError;
    if (!isThere) throw error;
    await checkSame(store, runId, { head, checksum }, subject);
  }
  return whole;
}

function sealed(head: { readonly [name: string]: Json }): { readonly [name: string]: Json } {
  return { ...head, head_sha256: stateChecksum(head) };
}

function checkResults(
  results: NewSimulationResults,
  runId: string,
  subject: SaveSubject,
): { readonly head: { readonly [name: string]: Json }; readonly whole: SimulationResults } {
  const { final_state, ...rest } = results;
  const parsed = resultsHeadSchema.safeParse(rest);
  if (!parsed.success) throw invalid(subject, describeIssues(parsed.error), parsed.error);
  if (!isJsonObject(final_state))
    throw invalid(subject, `"final_state" is ${nameOf(final_state)}, not a state`);
  const problem = problemOf(parsed.data, final_state.turn, runId);
  if (problem !== undefined) throw invalid(subject, problem);
  // What is undefined is left out, as JSON.stringify() would.
  const head: unknown = JSON.parse(JSON.stringify(parsed.data));
  if (!isJsonObject(head)) throw invalid(subject, "it is no object");
  return { head, whole: { ...parsed.data, final_state } };
}

function problemOf(
  head: Pick<SimulationResults, "run_metadata" | "checkpoints">,
  finalTurn: unknown,
  runId: string,
): string | undefined {
  if (head.run_metadata.run_id !== runId) return `they are those of run "${head.run_metadata.run_id}"`;
  const turns = head.checkpoints.map(({ turn }) => turn);
  if (turns.some((turn, index) => index > 0 && turn <= (turns[index - 1] ?? -1)))
    return "the checkpoints are not sorted by turn";
  const last = turns.at(-1);
  return last === finalTurn
    ? undefined
    : `the final state is that of turn ${nameOf(finalTurn)}, the last checkpoint that of ${last === undefined ? "none" : `turn ${last}`}`;
}

async function checkSame(
  store: Store,
  runId: string,
  mine: { readonly head: unknown; readonly checksum: string },
  subject: SaveSubject,
): Promise<void> {
  let standing: SimulationResults | undefined;
  try {
    standing = await loadResults(store, runId);
  } catch (error) {
    throw conflict(subject, "what is kept there cannot be read; move it away, then resume the run", error);
  }
  if (standing === undefined) throw conflict(subject, "they came and went meanwhile; resume the run");
  const { final_state, ...head } = standing;
  const isSame =
    canonicalJson(JSON.parse(JSON.stringify(head))) === canonicalJson(mine.head) &&
    stateChecksum(final_state) === mine.checksum;
  if (!isSame)
    throw conflict(subject, "other results are kept there, and results are written once; load those");
}

function checkStateChecksum(state: Json, recorded: Json | undefined, subject: Subject): void {
  if (recorded === undefined) return;
  let actual: string;
  try {
    actual = stateChecksum(state);
  } catch (error) {
    if (!(error instanceof CanonicalJsonError)) throw error;
    throw loadError("CHECKPOINT_SCHEMA", subject, `${error.message}; ${OTHER}`, error);
  }
  if (actual === recorded) return;
  const said = `the checksum of the final state is ${actual}, recorded is ${nameOf(recorded)}`;
  throw loadError("CHECKPOINT_CHECKSUM", subject, `${said}: it was changed after it was saved; ${OTHER}`);
}

/**
 * The results of a run; `undefined` when it has none.
 *
 * @throws {CheckpointLoadError} For those that are damaged, not readable, or written by a newer version.
 */
export async function loadResults(store: Store, runId: string): Promise<SimulationResults | undefined> {
  const key = resultKey(runId);
  const subject: Subject = { what: `the results of run "${runId}"`, path: store.locate({ document: key }) };
  const document = await loadDocument(store, key, "final_state", subject);
  if (document === undefined) return undefined;
  const { head, member } = document;
  if (!isJsonObject(head)) throw loadError("CHECKPOINT_SCHEMA", subject, "they are no results");
  const version = newerVersion(head, "simulation-results");
  if (version !== undefined) {
    const state = `they have version ${version}, this program knows 1; use a newer Holdfast`;
    throw loadError("CHECKPOINT_NEWER_VERSION", subject, state);
  }
  const { final_state: _, ...sums } = head;
  const { head_sha256: _head, state_sha256: recorded, ...rest } = sums;
  const parsed = resultsHeadSchema.safeParse(rest);
  if (!parsed.success)
    throw loadError("CHECKPOINT_SCHEMA", subject, describeIssues(parsed.error), parsed.error);
  if (member === undefined || !isJsonObject(member) || typeof member["turn"] !== "number")
    throw loadError("CHECKPOINT_SCHEMA", subject, `"final_state" is ${nameOf(member)}, not a state`);
  const problem = problemOf(parsed.data, member["turn"], runId);
  if (problem !== undefined) throw loadError("CHECKPOINT_TURN", subject, problem);
  checkHeadChecksum(sums, subject, OTHER);
  checkStateChecksum(member, recorded, subject);
  return { ...parsed.data, final_state: { ...member, turn: member["turn"] } };
}
