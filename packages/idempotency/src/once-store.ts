import { checksumBytes } from "@holdfast/checksum";
import { type Clock, type Fence, formatTimestamp, type Store, systemClock } from "@holdfast/storage";
import { canonicalJson } from "./canonical-json.ts";
import { IdempotencyError, KeyConflictError } from "./errors.ts";
import { claimOnce, hasLivingRunner } from "./once-claim.ts";
import { documentOf, ONCE_PREFIX, type OnceRecord, oncePlaceOf, readOnceRecord } from "./once-record.ts";
import { failureOf, type ResultSchema, resultOf, resultText } from "./once-result.ts";
import { type OnceContext, type OnceProbe, runOnce } from "./run-once.ts";

/** Options of {@link onceStore}. */
export interface OnceStoreOptions {
  /** Where the time of records comes from; default the system's clock. */
  readonly clock?: Clock | undefined;
  /** What records and holders call this process; default `process` and its number. */
  readonly worker?: string | undefined;
  /**
   * A claim the caller holds already (a run's, say): all work is then done under it, which spares a claim for each piece. Nobody else can do work
   * under the same claim; work that another claim began is left to it while its holder lives.
   */
  readonly fence?: Fence | undefined;
  /** How long to wait between two looks at work that another process does, at most; in milliseconds, default 100. */
  readonly pollMs?: number | undefined;
}

/** Options of {@link OnceStore.once}. */
export interface OnceOptions<T> {
  /** Checks the result, when it is made and whenever it is given from the record. */
  readonly schema?: ResultSchema<T> | undefined;
  /** For stores that cannot see a holder die: how long a claim lasts when it is not renewed, in milliseconds from 100; default 30,000. On files a claim ends with its process. */
  readonly leaseMs?: number | undefined;
  /** What to do about work that failed before: `retry` runs it again (default), `keep` rejects with what was recorded. */
  readonly onFailure?: "keep" | "retry" | undefined;
  /** What to do about work that is in doubt, when there is no `probe` or it cannot tell: `run` it again (default), or `reject` with `ONCE_IN_DOUBT`. */
  readonly onDoubt?: "run" | "reject" | undefined;
  /** Finds out about work in doubt: whether it was done, and with what result. */
  readonly probe?: OnceProbe<T> | undefined;
  /** Stops waiting, and is passed on to the work; work that it stops stays in doubt. */
  readonly signal?: AbortSignal | undefined;
}

/** Work that was begun and has no outcome: it may have had its effects, or a part of them. */
export interface InDoubt {
  readonly key: string;
  readonly inputs_sha256: string;
  readonly attempt: number;
  readonly worker: string;
  readonly started_at: string;
}

/** What a person says about work in doubt: it was done, with this result; it failed; or it is to be run again. */
export type Settlement =
  | { readonly state: "done"; readonly result?: unknown }
  | { readonly state: "failed"; readonly message: string }
  | { readonly state: "again" };

/** Records the results of work, so that it is not done again. */
export interface OnceStore {
  /**
   * Runs `work` unless a result is recorded under the key, and records its result durably before it resolves. Callers of the same key at the same time, in this process
   * and in others, get the result of the one that runs.
   *
   * The work is begun at least once and recorded once. When its process dies in the middle, or the result cannot be recorded, the next caller runs it again, although effects outside may have happened:
   * pass the key on to what you call (as an idempotency key), give a `probe`, or choose `onDoubt: "reject"`.
   *
   * @param key - An idempotency key or any other text that is not empty, such as `turn-12/ask-model`.
   * @param inputs - What the result depends on; plain JSON, only its checksum is kept.
   * @param work - What to do. Its result must be plain JSON, or nothing (`undefined`). It must not call `once` with the same key.
   * @param options - `schema`, `leaseMs`, `onFailure`, `onDoubt`, `probe`, `signal`.
   * @returns The result as it was recorded (a copy of its own for each caller), after the schema.
   * @throws {KeyConflictError} `KEY_CONFLICT` when the key belongs to other inputs; nothing is run.
   * @throws {OnceFailedError} `ONCE_FAILED` when it failed before and that is kept.
   * @throws {CanonicalJsonError} When the inputs are not plain JSON; nothing is run.
   * @throws {IdempotencyError} `ONCE_RESULT`, `ONCE_SCHEMA`, `ONCE_IN_DOUBT`, `ONCE_DAMAGED`, `ONCE_NEWER_VERSION`; and what the work or the store throws.
   */
  once<T>(
    key: string,
    inputs: unknown,
    work: (context: OnceContext) => Promise<T> | T,
    options?: OnceOptions<T>,
  ): Promise<T>;
  /** What is recorded under a key; `undefined` when nothing is. */
  get(key: string): Promise<OnceRecord | undefined>;
  /** Work that was begun, has no outcome, and whose runner is gone. Reads every record. */
  inDoubt(): Promise<readonly InDoubt[]>;
  /**
   * Settles work by hand. Durable when it resolves.
   *
   * @param key - Of work that is in doubt, or that failed.
   * @param settlement - What became of it.
   * @throws {IdempotencyError} `ONCE_UNKNOWN` when nothing is recorded, `ONCE_SETTLED` when it is done, `ONCE_IN_DOUBT` when somebody runs it right now, `ONCE_RESULT`.
   */
  settle(key: string, settlement: Settlement): Promise<void>;
}

interface Running {
  readonly inputsChecksum: string;
  readonly text: Promise<string | undefined>;
  readonly signal: AbortSignal | undefined;
}

/**
 * Makes a store's documents a memory of work: see {@link OnceStore}.
 *
 * @param store - Where records are kept, as documents `idempotency/<aa>/<62 hex>`; claims are items of its queue `once`.
 * @param options - `clock`, `worker`, `fence`, `pollMs`.
 */
export function onceStore(store: Store, options: OnceStoreOptions = {}): OnceStore {
  const { clock = systemClock, worker = `process ${process.pid}`, fence, pollMs = 100 } = options;
  if (!(pollMs >= 1))
    throw new RangeError(`Cannot open once store: "pollMs" must be 1 or more, found ${pollMs}`);
  const now = (): string => formatTimestamp(clock());
  const running = new Map<string, Running>();

  async function once<T>(
    key: string,
    inputs: unknown,
    work: (context: OnceContext) => Promise<T> | T,
    { schema, leaseMs = 30_000, onFailure = "retry", onDoubt = "run", probe, signal }: OnceOptions<T> = {},
  ): Promise<T> {
    if (!(leaseMs >= 100))
      throw new RangeError(`Cannot run "${key}": "leaseMs" must be 100 or more, found ${leaseMs}`);
    const place = oncePlaceOf(key);
    const inputsChecksum = checksumBytes(canonicalJson(inputs, { root: "inputs" }));
    signal?.throwIfAborted();
    for (let other = running.get(place.hex); other !== undefined; other = running.get(place.hex)) {
      if (other.inputsChecksum !== inputsChecksum) {
        throw new KeyConflictError({ key, expected: other.inputsChecksum, actual: inputsChecksum });
      }
      try {
        return resultOf(key, await orAborted(other.text, signal), schema);
      } catch (error) {
        signal?.throwIfAborted();
        // Somebody stopped the call that we waited for, not ours: then it is our turn.
        if (other.signal?.aborted !== true) throw error;
      }
    }
    const text = runOnce(
      { store, place, inputsChecksum, now, pollMs, claim: { worker, leaseMs, fence } },
      {
        run: async (context) => {
          const made = resultText(key, await work(context));
          // Checked before it is recorded: what does not fit must not become the result for ever.
          resultOf(key, made, schema);
          return made;
        },
        onFailure,
        onDoubt,
        probe,
        signal,
      },
    );
    running.set(place.hex, { inputsChecksum, text, signal });
    try {
      return resultOf(key, await text, schema);
    } finally {
      running.delete(place.hex);
    }
  }

  return {
    once,
    async get(key) {
      return (await readOnceRecord(store, oncePlaceOf(key).document))?.record;
    },
    async inDoubt() {
      const found: InDoubt[] = [];
      for await (const document of documentsOf(store)) {
        const record = (await readOnceRecord(store, document))?.record;
        if (record?.state !== "intent" || (await hasLivingRunner(store, record))) continue;
        const { key, inputs_sha256, attempt, worker: runner, started_at } = record;
        found.push({ key, inputs_sha256, attempt, worker: runner, started_at });
      }
      return found;
    },
    async settle(key, settlement) {
      const place = oncePlaceOf(key);
      const claim = await claimOnce(store, place, { worker, leaseMs: 30_000, fence });
      try {
        const stored = await readOnceRecord(store, place.document);
        if (stored === undefined) {
          throw new IdempotencyError(
            "ONCE_UNKNOWN",
            `Cannot settle "${key}": nothing is recorded under this key; check it`,
          );
        }
        const { record, revision } = stored;
        if (
          claim === undefined ||
          (record.state === "intent" && (await hasLivingRunner(store, record, claim.fence)))
        ) {
          throw new IdempotencyError(
            "ONCE_IN_DOUBT",
            `Cannot settle "${key}": "${record.worker}" runs it right now; wait until it is over`,
          );
        }
        if (record.state === "done") {
          throw new IdempotencyError(
            "ONCE_SETTLED",
            `Cannot settle "${key}": its result is recorded, and a recorded result is never changed`,
          );
        }
        if (settlement.state === "again") {
          await store.documents.delete(place.document, { expected: revision, fence: claim.fence });
          return;
        }
        const { result: _result, failure: _failure, ...rest } = record;
        const { queue, id, token } = claim.fence;
        const settled: OnceRecord = {
          ...rest,
          claim: { queue, id, token },
          worker,
          finished_at: now(),
          ...outcomeOf(key, settlement),
        };
        await store.documents.put(place.document, documentOf(settled), {
          expected: revision,
          fence: claim.fence,
        });
      } finally {
        await claim?.release();
      }
    },
  };
}

function outcomeOf(
  key: string,
  settlement: Exclude<Settlement, { state: "again" }>,
): Pick<OnceRecord, "state" | "result" | "failure"> {
  if (settlement.state === "failed")
    return { state: "failed", failure: { ...failureOf(settlement.message) } };
  const text = resultText(key, settlement.result);
  return text === undefined ? { state: "done" } : { state: "done", result: JSON.parse(text) };
}

async function* documentsOf(store: Store): AsyncGenerator<string> {
  let after: string | undefined;
  do {
    const page = await store.documents.list(ONCE_PREFIX, after === undefined ? {} : { after });
    for (const { key } of page.items) yield key;
    after = page.cursor;
  } while (after !== undefined);
}

function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
