import { canonicalJson } from "@holdfast/idempotency";
import {
  type Clock,
  type Compression,
  type Fence,
  formatTimestamp,
  type Json,
  type Store,
  StoreConflictError,
  systemClock,
} from "@holdfast/storage";
import type { Checkpoint, CheckpointHead, CheckpointType, SimulationState } from "./checkpoint.ts";
import { checkpointKey, checkpointsPrefix, checkWhich, turnOfKey } from "./checkpoint-key.ts";
import { diffStates } from "./diff-states.ts";
import { CheckpointLoadError } from "./errors.ts";
import { isJsonObject, type JsonObject } from "./json.ts";
import type { JsonPatch } from "./json-patch.ts";
import { loadCheckpoint, nameOf } from "./load-checkpoint.ts";
import { readHead } from "./read-head.ts";
import type { NewSimulationResults, SimulationResults } from "./results.ts";
import { conflict, invalid, saving, subjectOf } from "./save-error.ts";
import { loadResults, saveResults } from "./save-results.ts";
import { stateChecksum, stateText, UnwritableState } from "./state-text.ts";

/** Options of {@link CheckpointManager}. */
export interface CheckpointManagerOptions {
  /** The claim of the run, for writes. */
  readonly fence?: Fence;
  /** Where the time comes from; default the system's clock. */
  readonly clock?: Clock;
  /** How checkpoints and results are kept; default `none`. */
  readonly compression?: Compression;
}

/** A checkpoint that was saved. */
export interface SavedCheckpoint extends CheckpointHead {
  /** Where, for people. */
  readonly path: string;
  /** Length of the state's canonical JSON in bytes. */
  readonly stateBytes: number;
}

/** A checkpoint that was loaded. */
export interface LoadedCheckpoint {
  readonly checkpoint: Checkpoint;
  /** Where, for people. */
  readonly path: string;
  /** What was wrong with `last`, when this is another one in its place. */
  readonly fallback?: CheckpointLoadError;
}

/** A checkpoint as it is listed. */
export interface CheckpointEntry {
  readonly turn: number;
  /** Path below the run's folder, as results name it: `checkpoints/turn_5.json`. */
  readonly file: string;
  /** Where, for people. */
  readonly path: string;
}

/** What makes it wise to take another checkpoint. A newer version or a failing disk does not: nothing is lost there. */
const DAMAGE = new Set<string>([
  "CHECKPOINT_MISSING",
  "CHECKPOINT_NOT_JSON",
  "CHECKPOINT_SCHEMA",
  "CHECKPOINT_TURN",
  "CHECKPOINT_CHECKSUM",
]);

/** Saves the state of a run's simulation and loads it again. Holds nothing open. */
export class CheckpointManager {
  readonly #store: Store;
  readonly #runId: string;
  readonly #interval: number | null;
  readonly #fence: Fence | undefined;
  readonly #clock: Clock;
  readonly #compression: Compression;

  /**
   * @param store - Where the run lives.
   * @param runId - The run that is written. Any run of the store can be read.
   * @param interval - Turns from one interval checkpoint to the next, a positive integer; `null`: only the last and the final one.
   * @param options - See {@link CheckpointManagerOptions}.
   * @throws {RangeError} For another interval.
   */
  constructor(store: Store, runId: string, interval: number | null, options: CheckpointManagerOptions = {}) {
    if (interval !== null && !(Number.isSafeInteger(interval) && interval > 0))
      throw new RangeError(`The checkpoint interval is a positive integer or null, not ${nameOf(interval)}`);
    this.#store = store;
    this.#runId = runId;
    this.#interval = interval;
    this.#fence = options.fence;
    this.#clock = options.clock ?? systemClock;
    this.#compression = options.compression ?? "none";
  }

  /** The run that is written. */
  get runId(): string {
    return this.#runId;
  }

  /** Whether a checkpoint of its own (`turn_<n>`) is due after a turn: at the interval, and at the end. */
  shouldSave(turn: number, isFinal = false): boolean {
    return isFinal || (this.#interval !== null && turn > 0 && turn % this.#interval === 0);
  }

  /**
   * Saves a state: `last` replaces the last one, `interval` and `final` are kept as `turn_<n>` and never changed; the same state again is fine.
   *
   * When it resolves, the checkpoint is on stable storage. When it rejects, every earlier one is whole and no part of a file is left. The state is read
   * before the first await: what becomes of it afterwards does not matter.
   *
   * @param state - A plain JSON object whose `turn` is the turn it is the state after.
   * @param type - Why it is saved.
   * @param options - `random`: the state of the random generator, to be kept with it.
   * @throws {CheckpointSaveError} `CHECKPOINT_SAVE`, `CHECKPOINT_INVALID`, `CHECKPOINT_CONFLICT`. `STORE_FENCED` passes as it is.
   */
  async save(
    state: SimulationState,
    type: CheckpointType,
    options: { readonly random?: Json | undefined } = {},
  ): Promise<SavedCheckpoint> {
    const { turn } = checkedState(state, this.#runId);
    const key = checkpointKey(this.#runId, type === "last" ? "last" : turn);
    const subject = subjectOf(this.#store, key, `the checkpoint of turn ${turn}`);
    const { random } = options;
    try {
      const { checksum, textChecksum, size, member } = stateText(state, "state");
      const saved = sealed({
        schema: "holdfast/checkpoint/v1",
        turn,
        checkpoint_type: type,
        timestamp: formatTimestamp(this.#clock()),
        state_sha256: checksum,
        ...(textChecksum === undefined ? {} : { text_sha256: textChecksum }),
        ...(random === undefined ? {} : { random }),
      });
      const written = saving(subject, () =>
        this.#store.documents.put(
          key,
          { ...definedMembers(saved), state: member },
          {
            ...(type === "last" ? {} : { expected: null }),
            ...(this.#fence === undefined ? {} : { fence: this.#fence }),
            compression: this.#compression,
          },
        ),
      );
      try {
        await written;
      } catch (error) {
        const isThere = error instanceof Error && error.cause instanceof StoreConflictError;
        if (!isThere) throw error;
        return await this.#standing(saved, size);
      }
      return {
        ...saved,
        // Looked for when it is asked for: of a checkpoint of every turn it is not.
        get path() {
          return subject.path;
        },
        stateBytes: size,
      };
    } catch (error) {
      const isInvalid = error instanceof UnwritableState || error instanceof TypeError || isCanonical(error);
      throw isInvalid ? invalid(subject, error.message, error) : error;
    }
  }

  /**
   * Loads a checkpoint, of this run or another, and checks it: its form, its turn, its checksum.
   *
   * @param runId - The run.
   * @param which - A turn, or `last`. A damaged or missing `last` is replaced by the newest whole checkpoint of the run, and `fallback` says so.
   * @throws {CheckpointLoadError} With a code for each way in which it can be wrong; for `last`, when there is no whole one.
   */
  async load(runId: string, which: number | "last"): Promise<LoadedCheckpoint> {
    checkWhich(which);
    try {
      return await this.#load(runId, which);
    } catch (error) {
      if (which !== "last" || !(error instanceof CheckpointLoadError) || !DAMAGE.has(error.code)) throw error;
      return this.#newestWhole(runId, error);
    }
  }

  /**
   * What a checkpoint says beside its state, read from its beginning alone: quick, and nothing is checked. `undefined` where that cannot be told: there is none, or
   * `load()` says what is wrong with it.
   *
   * @param runId - The run.
   * @param which - A turn, or `last`.
   */
  async head(runId: string, which: number | "last"): Promise<CheckpointHead | undefined> {
    checkWhich(which);
    return readHead(this.#store, runId, which);
  }

  /** The checkpoints of a run that have a turn of their own, by turn; none for a run that is not there. Their contents are not read. */
  async list(runId: string = this.#runId): Promise<readonly CheckpointEntry[]> {
    const prefix = `${checkpointsPrefix(runId)}turn_`;
    const entries: CheckpointEntry[] = [];
    for (let after: string | undefined; ; ) {
      const page = await this.#store.documents.list(prefix, after === undefined ? {} : { after });
      for (const { key } of page.items) {
        const turn = turnOfKey(key);
        if (turn === undefined) continue;
        const path = this.#store.locate({ document: key });
        const file = `checkpoints/turn_${turn}.json${path.endsWith(".zst") ? ".zst" : ""}`;
        entries.push({ turn, file, path });
      }
      if (page.cursor === undefined) return entries.toSorted((a, b) => a.turn - b.turn);
      after = page.cursor;
    }
  }

  /**
   * What changes from one state of the run to another, as JSON Patch.
   *
   * @param a - A turn, or `last`.
   * @param b - A turn, or `last`.
   * @throws {CheckpointLoadError} As `load()`.
   */
  async diff(a: number | "last", b: number | "last"): Promise<JsonPatch> {
    const from = await this.load(this.#runId, a);
    const to = await this.load(this.#runId, b);
    return diffStates(from.checkpoint.state, to.checkpoint.state);
  }

  /**
   * Writes the results of the run, once; the same ones again are fine. Durable when it resolves.
   *
   * @throws {CheckpointSaveError} `CHECKPOINT_SAVE`; `CHECKPOINT_INVALID`, also when the final state is not that of the last checkpoint;
   *   `CHECKPOINT_CONFLICT` when other results are there.
   */
  async saveResults(results: NewSimulationResults): Promise<SimulationResults> {
    return saveResults(this.#store, this.#runId, results, {
      fence: this.#fence,
      compression: this.#compression,
    });
  }

  /**
   * The results of a run; `undefined` when it has none.
   *
   * @throws {CheckpointLoadError} For those that cannot be read.
   */
  async loadResults(runId: string = this.#runId): Promise<SimulationResults | undefined> {
    return loadResults(this.#store, runId);
  }

  async #load(runId: string, which: number | "last"): Promise<LoadedCheckpoint> {
    const checkpoint = await loadCheckpoint(this.#store, runId, which);
    return { checkpoint, path: this.#store.locate({ document: checkpointKey(runId, which) }) };
  }

  async #newestWhole(runId: string, fallback: CheckpointLoadError): Promise<LoadedCheckpoint> {
    const entries = await this.list(runId);
    for (const { turn } of entries.toReversed()) {
      try {
        return { ...(await this.#load(runId, turn)), fallback };
      } catch (error) {
        if (!(error instanceof CheckpointLoadError) || !DAMAGE.has(error.code)) throw error;
      }
    }
    throw fallback;
  }

  /** What is kept for a turn already, when it is the same: its writer died before it could say so. */
  async #standing(mine: CheckpointHead, stateBytes: number): Promise<SavedCheckpoint> {
    const { turn } = mine;
    const key = checkpointKey(this.#runId, turn);
    const subject = subjectOf(this.#store, key, `the checkpoint of turn ${turn}`);
    let standing: LoadedCheckpoint;
    try {
      standing = await this.#load(this.#runId, turn);
    } catch (error) {
      throw conflict(subject, "what is kept there cannot be read; move it away, then resume the run", error);
    }
    const { state: _, ...head } = standing.checkpoint;
    const isSame =
      head.state_sha256 === mine.state_sha256 &&
      canonicalJson(head.random ?? null) === canonicalJson(mine.random ?? null);
    if (isSame) return { ...head, path: standing.path, stateBytes };
    throw conflict(
      subject,
      "another state is kept there, and a checkpoint is never changed; start a new run, or fork this one",
    );
  }
}

function checkedState(state: SimulationState, runId: string): SimulationState {
  const subject = { what: `a checkpoint of run "${runId}"`, path: checkpointsPrefix(runId) };
  if (!isJsonObject(state)) throw invalid(subject, `the state is ${nameOf(state)}, not an object`);
  const turn: unknown = state.turn;
  if (typeof turn !== "number" || !Number.isSafeInteger(turn) || turn < 0)
    throw invalid(subject, `the state's "turn" is ${nameOf(turn)}, not a whole number from 0`);
  return state;
}

/** With the checksum of itself. */
function sealed(head: CheckpointHead): CheckpointHead {
  return { ...head, head_sha256: stateChecksum(head) };
}

function definedMembers(head: CheckpointHead): JsonObject {
  const members: { [name: string]: Json } = {};
  for (const [name, value] of Object.entries(head)) if (value !== undefined) members[name] = value;
  return members;
}

function isCanonical(error: unknown): error is Error {
  return error instanceof Error && error.name === "CanonicalJsonError";
}
