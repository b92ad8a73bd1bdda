import { setTimeout as sleep } from "node:timers/promises";
import { type Fence, type Store, StoreConflictError, StoreFencedError } from "@holdfast/storage";
import { IdempotencyError, KeyConflictError, OnceFailedError } from "./errors.ts";
import { claimOnce, hasLivingRunner, type OnceClaim, type OnceClaimOptions } from "./once-claim.ts";
import {
  documentOf,
  type OncePlace,
  type OnceRecord,
  readOnceRecord,
  type StoredOnceRecord,
} from "./once-record.ts";
import { failureOf, resultError, resultText } from "./once-result.ts";

/** What work is told. */
export interface OnceContext {
  readonly key: string;
  /** 1 the first time; more when it is run again. */
  readonly attempt: number;
  /** Aborts when the caller's does, and when the claim on the work is lost: then stop, another process may run it. */
  readonly signal: AbortSignal;
}

/** What a probe says: the work was done, with this result; it was not; or it cannot tell. */
export type ProbeAnswer<T> =
  | { readonly state: "done"; readonly result: T }
  | { readonly state: "not done" }
  | { readonly state: "unknown" };

/** Finds out what became of work in doubt, by asking whoever it was done to. */
export type OnceProbe<T> = (work: {
  readonly key: string;
  readonly attempt: number;
  readonly started_at: string;
  readonly signal: AbortSignal;
}) => Promise<ProbeAnswer<T>> | ProbeAnswer<T>;

/** Where and for what. */
export interface OnceJob {
  readonly store: Store;
  readonly place: OncePlace;
  readonly inputsChecksum: string;
  readonly now: () => string;
  readonly pollMs: number;
  readonly claim: OnceClaimOptions;
}

/** What, and how. */
export interface OnceWork<T> {
  /** Gives the text of the result, checked. */
  readonly run: (context: OnceContext) => Promise<string | undefined>;
  readonly onFailure: "keep" | "retry";
  readonly onDoubt: "run" | "reject";
  readonly probe: OnceProbe<T> | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Ends in the text of the result: recorded before, by another process meanwhile, or made now. */
export async function runOnce<T>(job: OnceJob, work: OnceWork<T>): Promise<string | undefined> {
  const { store, place } = job;
  for (let waitMs = 5; ; waitMs = Math.min(waitMs * 2, job.pollMs)) {
    work.signal?.throwIfAborted();
    const known = await knownRecord(job);
    const settled = settledResult(job, work, known);
    if (settled !== undefined) return settled.text;
    const claim = await claimOnce(store, place, job.claim);
    if (claim !== undefined) {
      try {
        const outcome = await runClaimed(job, work, claim);
        if (outcome !== undefined) return outcome.text;
      } finally {
        await claim.release();
      }
    }
    await sleep(waitMs, undefined, { signal: work.signal }).catch((error: unknown) => {
      work.signal?.throwIfAborted();
      throw error;
    });
  }
}

/** What is recorded, and stays: the caller goes on as if it could not be lost, whoever wrote it and whatever became of that process. */
async function knownRecord({ store, place }: OnceJob): Promise<StoredOnceRecord | undefined> {
  return readOnceRecord(store, place.document, { durable: true });
}

/** The recorded result, when there is nothing left to do; throws for other inputs and for failures that are kept. */
function settledResult<T>(
  { store, place, inputsChecksum }: OnceJob,
  { onFailure }: OnceWork<T>,
  known: StoredOnceRecord | undefined,
): { readonly text: string | undefined } | undefined {
  if (known === undefined) return undefined;
  const { key } = place;
  const { record } = known;
  const path = store.locate({ document: place.document });
  if (record.inputs_sha256 !== inputsChecksum) {
    throw new KeyConflictError({ key, expected: record.inputs_sha256, actual: inputsChecksum, path });
  }
  if (record.state === "done") return { text: resultText(key, record.result) };
  if (record.state === "failed" && onFailure === "keep") {
    const failure = record.failure ?? { name: "Error", message: "no reason was recorded" };
    throw new OnceFailedError({ key, failure, path });
  }
  return undefined;
}

/** Runs the work and records the outcome; `undefined` when somebody else turns out to be at it. */
async function runClaimed<T>(
  job: OnceJob,
  work: OnceWork<T>,
  claim: OnceClaim,
): Promise<{ readonly text: string | undefined } | undefined> {
  const { store, place, now } = job;
  // Another may have done it between our look and our claim.
  const known = await knownRecord(job);
  const settled = settledResult(job, work, known);
  if (settled !== undefined) return settled;
  if (known?.record.state === "intent" && (await hasLivingRunner(store, known.record, claim.fence)))
    return undefined;

  const signal = work.signal === undefined ? claim.lost : AbortSignal.any([work.signal, claim.lost]);
  const answer =
    known?.record.state === "intent"
      ? await clearDoubt(known.record, work, signal)
      : { state: "not done" as const };
  const intent: OnceRecord = {
    schema: "holdfast/once/v1",
    key: place.key,
    inputs_sha256: job.inputsChecksum,
    state: "intent",
    attempt: (known?.record.attempt ?? 0) + (answer.state === "done" ? 0 : 1),
    claim: fenceOf(claim.fence),
    worker: job.claim.worker,
    started_at: answer.state === "done" && known !== undefined ? known.record.started_at : now(),
  };
  const record = (next: OnceRecord, expected: string | null): Promise<string | undefined> =>
    write(job, next, expected, claim.fence);

  if (answer.state === "done") {
    const text = resultText(place.key, answer.result);
    const written = await record(
      { ...intent, state: "done", finished_at: now(), ...resultField(text) },
      known?.revision ?? null,
    );
    return written === undefined ? undefined : { text };
  }
  const begun = await record(intent, known?.revision ?? null);
  if (begun === undefined) return undefined;
  let text: string | undefined;
  try {
    text = await work.run({ key: place.key, attempt: intent.attempt, signal });
  } catch (error) {
    // Work that was stopped did neither succeed nor fail: it stays in doubt.
    if (!signal.aborted)
      await record(
        { ...intent, state: "failed", finished_at: now(), failure: { ...failureOf(error) } },
        begun,
      );
    throw error;
  }
  const written = await record({ ...intent, state: "done", finished_at: now(), ...resultField(text) }, begun);
  return written === undefined ? undefined : { text };
}

/** What became of work in doubt, as far as anybody can tell; throws when nobody can and it must not simply be run again. */
async function clearDoubt<T>(
  record: OnceRecord,
  { probe, onDoubt }: OnceWork<T>,
  signal: AbortSignal,
): Promise<ProbeAnswer<T>> {
  const { key, attempt, started_at } = record;
  const answer: ProbeAnswer<T> =
    probe === undefined ? { state: "unknown" } : await probe({ key, attempt, started_at, signal });
  if (answer.state !== "unknown" || onDoubt === "run") return answer;
  throw new IdempotencyError(
    "ONCE_IN_DOUBT",
    `Cannot run "${key}": it was begun at ${started_at} by "${record.worker}" and its outcome is not known; find out, then settle() it`,
  );
}

/** The new revision; `undefined` when our claim or the record is no longer what it was: then somebody else is at it. */
async function write(
  { store, place, claim }: OnceJob,
  next: OnceRecord,
  expected: string | null,
  fence: Fence,
): Promise<string | undefined> {
  try {
    return (await store.documents.put(place.document, documentOf(next), { expected, fence })).revision;
  } catch (error) {
    if (error instanceof StoreConflictError) return undefined;
    // The caller's own claim cannot be made again here: it has to stop.
    if (error instanceof StoreFencedError && claim.fence === undefined) return undefined;
    if (error instanceof RangeError)
      throw resultError(place.key, "it is nested too deeply to be kept as a document", error);
    throw error;
  }
}

function resultField(text: string | undefined): { result?: unknown } {
  return text === undefined ? {} : { result: JSON.parse(text) };
}

function fenceOf({ queue, id, token }: Fence): Fence {
  return { queue, id, token };
}
