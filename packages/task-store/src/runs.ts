import type { Fence } from "@holdfast/storage";
import type { RunError } from "./errors.ts";
import type { RunKind, RunState, RunStatus } from "./run-state.ts";

/** What a new run is made of. The rest of its state is set: running, from now, first attempt, revision 1. */
export type NewRun = Pick<RunState, "run_id" | "kind" | "name" | "config_snapshot"> &
  Partial<Pick<RunState, "task_id" | "correlation_id" | "snapshot_id" | "current_stage" | "turn" | "parent">>;

/** A change of a state: fields to set; `undefined` removes one. Id, kind, revision and times of writing are not for changing. */
export type RunChange = Partial<RunState>;

/** Options of writes. */
export interface RunWriteOptions {
  /** The claim of the run: the write is refused once somebody else holds it. */
  readonly fence?: Fence;
}

/** Options of `update`. */
export interface RunUpdateOptions extends RunWriteOptions {
  /** The `revision` the state must have, otherwise `RUN_CONFLICT`. Without it a change is made to whatever stands. */
  readonly expected?: number;
}

/** Which runs to list. */
export interface ListRunsOptions {
  readonly kind?: RunKind;
  readonly status?: RunStatus;
  /** Told of runs whose state cannot be read, which are then left out; without it the first of them is an error. */
  readonly onDamaged?: (runId: string, error: RunError) => void;
}

/** One page of runs. */
export interface RunPage {
  readonly items: readonly RunState[];
  /** There when more may follow. */
  readonly cursor?: string;
}

/** Where runs stand. Everything is durable when it resolves. */
export interface RunStore {
  /**
   * Claims an id and records a new run.
   *
   * @throws {RunError} `RUN_EXISTS` when the id is taken, `RUN_INVALID`.
   */
  create(run: NewRun, options?: RunWriteOptions): Promise<RunState>;
  /**
   * The state of a run; `undefined` when there is none.
   *
   * @throws {RunError} `RUN_DAMAGED`, `RUN_NEWER_FORMAT`.
   */
  load(runId: string): Promise<RunState | undefined>;
  /** Runs in the byte order of their ids, one at a time; each is read when it is asked for. */
  list(options?: ListRunsOptions): AsyncGenerator<RunState, void, undefined>;
  /** A page of what `list` gives: at most `limit` (default 100), after a `cursor`. */
  page(options?: ListRunsOptions & { readonly limit?: number; readonly cursor?: string }): Promise<RunPage>;
  /**
   * Changes a state: compare-and-set, so that no update is lost, and one revision on.
   *
   * A change of status follows `RUN_TRANSITIONS`. A run that ends gets `completed_at`; one that runs again loses it and its
   * `error`, and counts an attempt, unless the change says otherwise.
   *
   * @param change - The fields, or a function from the present state to them, called again when somebody else was faster.
   * @throws {RunError} `RUN_NOT_FOUND`, `RUN_TRANSITION`, `RUN_CONFLICT`, `RUN_INVALID`, `RUN_DAMAGED`.
   */
  update(
    runId: string,
    change: RunChange | ((state: RunState) => RunChange),
    options?: RunUpdateOptions,
  ): Promise<RunState>;
  /** The run did what it was for. */
  complete(runId: string, options?: RunUpdateOptions & { readonly change?: RunChange }): Promise<RunState>;
  /** The run cannot go on. */
  fail(
    runId: string,
    error: NonNullable<RunState["error"]>,
    options?: RunUpdateOptions & { readonly change?: RunChange },
  ): Promise<RunState>;
  /** The run was stopped. */
  abort(runId: string, options?: RunUpdateOptions & { readonly change?: RunChange }): Promise<RunState>;
  /** The run goes on, after a failure, an abort or a crash: one more attempt. */
  resume(runId: string, options?: RunUpdateOptions & { readonly change?: RunChange }): Promise<RunState>;
}
