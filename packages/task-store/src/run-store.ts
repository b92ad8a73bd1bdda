import {
  type Clock,
  type Fence,
  formatTimestamp,
  type Store,
  StoreConflictError,
  systemClock,
} from "@holdfast/storage";
import { RunError } from "./errors.ts";
import { type DocumentReader, damaged, readDocument, type Stored } from "./read-document.ts";
import { changedRun, checkedRun } from "./run-change.ts";
import { checkRunId, runKey } from "./run-key.ts";
import { runConflict, runExists, runNotFound } from "./run-problems.ts";
import { type RunState, runStateSchema } from "./run-state.ts";
import type {
  ListRunsOptions,
  NewRun,
  RunChange,
  RunPage,
  RunStore,
  RunUpdateOptions,
  RunWriteOptions,
} from "./runs.ts";
import { toSealed } from "./to-json.ts";

/** Options of {@link runStore}. */
export interface RunStoreOptions {
  /** Where the time comes from; default the system's clock. */
  readonly clock?: Clock;
}

const READER: DocumentReader<RunState> = {
  schema: runStateSchema,
  name: "run-state",
  sealed: true,
  error: ({ kind, place, reason, cause }) => {
    const code = kind === "newer" ? "RUN_NEWER_FORMAT" : "RUN_DAMAGED";
    return new RunError(code, `Cannot read run state "${place}": ${reason}`, { path: place, cause });
  },
};

/** Somebody else may be faster that many times before an update gives up. */
const MAX_TRIES = 100;

/**
 * The states of the runs in a store.
 *
 * @param store - Where the runs live. Nothing is opened, and there is nothing to close.
 * @param options - `clock`.
 */
export function runStore(store: Store, options: RunStoreOptions = {}): RunStore {
  return new StoredRuns(store, options.clock ?? systemClock);
}

class StoredRuns implements RunStore {
  readonly #store: Store;
  readonly #clock: Clock;
  /** What was written last: a change of it is tried first, for nobody else writes a run that is worked on. */
  #written: { readonly runId: string; readonly stored: Stored<RunState> } | undefined;

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  async create(run: NewRun, options: RunWriteOptions = {}): Promise<RunState> {
    const now = formatTimestamp(this.#clock());
    const state = checkedRun(run.run_id, {
      ...run,
      status: "running",
      started_at: now,
      updated_at: now,
      attempts: 1,
      revision: 1,
    });
    const key = runKey(state.run_id);
    try {
      await this.#put(key, state, null, options.fence);
      return state;
    } catch (error) {
      throw error instanceof StoreConflictError ? runExists(this.#store, state.run_id, error) : error;
    }
  }

  async load(runId: string): Promise<RunState | undefined> {
    return (await this.#read(runId))?.value;
  }

  async *list(options: ListRunsOptions = {}): AsyncGenerator<RunState, void, undefined> {
    yield* this.#runsAfter(undefined, options);
  }

  async page(
    options: ListRunsOptions & { readonly limit?: number; readonly cursor?: string } = {},
  ): Promise<RunPage> {
    const { limit = 100, cursor } = options;
    if (!Number.isSafeInteger(limit) || limit < 1)
      throw new RangeError(`limit must be a positive integer, not ${limit}`);
    const items: RunState[] = [];
    for await (const state of this.#runsAfter(cursor, options)) {
      items.push(state);
      if (items.length === limit) return { items, cursor: state.run_id };
    }
    return { items };
  }

  async update(
    runId: string,
    change: RunChange | ((state: RunState) => RunChange),
    options: RunUpdateOptions = {},
  ): Promise<RunState> {
    const key = runKey(runId);
    const fast =
      options.expected === undefined ? await this.#updateWritten(key, runId, change, options) : undefined;
    if (fast !== undefined) return fast;
    for (let tries = 1; ; tries += 1) {
      const stored = await this.#read(runId);
      if (stored === undefined) throw runNotFound(this.#store, runId);
      this.#checkRevision(stored.value, options.expected);
      const next = this.#changed(stored.value, change);
      try {
        return await this.#replace(key, next, stored.revision, options.fence);
      } catch (error) {
        if (!(error instanceof StoreConflictError)) throw error;
        if (tries === MAX_TRIES)
          throw runConflict(this.#store, runId, `somebody else was faster ${tries} times`, error);
      }
    }
  }

  /** Changes what this object wrote last, which need not be read then; `undefined` when that no longer stands, or cannot be changed so. */
  async #updateWritten(
    key: string,
    runId: string,
    change: RunChange | ((state: RunState) => RunChange),
    options: RunUpdateOptions,
  ): Promise<RunState | undefined> {
    const written = this.#written;
    this.#written = undefined;
    if (written?.runId !== runId) return undefined;
    const { value, revision } = written.stored;
    try {
      const next = this.#changed(value, change);
      return await this.#replace(key, next, revision, options.fence);
    } catch (error) {
      // Judged by what is there now.
      if (error instanceof StoreConflictError || error instanceof RunError) return undefined;
      throw error;
    }
  }

  async #replace(key: string, next: RunState, expected: string, fence: Fence | undefined): Promise<RunState> {
    const revision = await this.#put(key, next, expected, fence);
    // A copy: what is given away may be changed.
    this.#written = { runId: next.run_id, stored: { value: structuredClone(next), revision } };
    return next;
  }

  async complete(
    runId: string,
    options: RunUpdateOptions & { readonly change?: RunChange } = {},
  ): Promise<RunState> {
    return this.update(runId, { ...options.change, status: "completed" }, options);
  }

  async fail(
    runId: string,
    error: NonNullable<RunState["error"]>,
    options: RunUpdateOptions & { readonly change?: RunChange } = {},
  ): Promise<RunState> {
    return this.update(runId, { ...options.change, error, status: "failed" }, options);
  }

  async abort(
    runId: string,
    options: RunUpdateOptions & { readonly change?: RunChange } = {},
  ): Promise<RunState> {
    return this.update(runId, { ...options.change, status: "aborted" }, options);
  }

  async resume(
    runId: string,
    options: RunUpdateOptions & { readonly change?: RunChange } = {},
  ): Promise<RunState> {
    const again = ({ attempts }: RunState): RunChange => ({
      attempts: attempts + 1,
      completed_at: undefined,
      error: undefined,
      ...options.change,
      status: "running",
    });
    return this.update(runId, again, options);
  }

  async #read(runId: string): Promise<Stored<RunState> | undefined> {
    const key = runKey(runId);
    const stored = await readDocument(this.#store, key, READER);
    if (stored !== undefined && stored.value.run_id !== runId) {
      throw damaged(this.#store, key, READER, `it is the state of run "${stored.value.run_id}"`);
    }
    return stored;
  }

  async #put(
    key: string,
    state: RunState,
    expected: string | null,
    fence: Fence | undefined,
  ): Promise<string> {
    const { revision } = await this.#store.documents.put(key, toSealed(state), {
      expected,
      ...(fence === undefined ? {} : { fence }),
    });
    return revision;
  }

  /** Whatever lies in a run's folder makes its id known; the folders themselves are skipped over. */
  async *#runsAfter(
    cursor: string | undefined,
    options: ListRunsOptions,
  ): AsyncGenerator<RunState, void, undefined> {
    if (cursor !== undefined) checkRunId(cursor);
    let after = cursor === undefined ? undefined : beyond(cursor);
    for (;;) {
      const page = await this.#store.documents.list("runs/", after === undefined ? {} : { after });
      const ids = new Set(page.items.map(({ key }) => key.split("/")[1] ?? ""));
      for (const id of ids) {
        const state = await this.#readListed(id, options);
        if (state !== undefined) yield state;
        after = beyond(id);
      }
      if (page.cursor === undefined) return;
    }
  }

  async #readListed(runId: string, options: ListRunsOptions): Promise<RunState | undefined> {
    let state: RunState | undefined;
    try {
      state = await this.load(runId);
    } catch (error) {
      // A folder that somebody put there, with a name no run has.
      if (error instanceof RangeError) return undefined;
      if (!(error instanceof RunError) || options.onDamaged === undefined) throw error;
      options.onDamaged(runId, error);
      return undefined;
    }
    if (state === undefined) return undefined;
    if (options.kind !== undefined && state.kind !== options.kind) return undefined;
    return options.status === undefined || state.status === options.status ? state : undefined;
  }

  #changed(state: RunState, change: RunChange | ((state: RunState) => RunChange)): RunState {
    const fields = typeof change === "function" ? change(state) : change;
    return changedRun(this.#store, state, fields, formatTimestamp(this.#clock()));
  }

  #checkRevision(state: RunState, expected: number | undefined): void {
    if (expected === undefined || expected === state.revision) return;
    throw runConflict(this.#store, state.run_id, `its revision is ${state.revision}, not ${expected}`);
  }
}

/** Where the keys of a run end: the character after the slash. */
function beyond(runId: string): string {
  return `runs/${runId}0`;
}
