import { type Clock, formatTimestamp, type Store, systemClock } from "@holdfast/storage";
import { RunIDCollisionError } from "./errors.ts";

/** Longest name that a run id is made from, in characters: an id is a part of a key, and of a file's path. */
export const MAX_RUN_NAME_LENGTH = 128;
const MAX_SEQUENCE = 99;

/** What a run id is made from. */
export interface RunIdParts {
  /** Name of the simulation, 1 to {@link MAX_RUN_NAME_LENGTH} characters; those outside `[A-Za-z0-9_-]` become `_`. */
  readonly name: string;
  /** How many agents it has, a positive integer. */
  readonly agents: number;
}

/** Options of {@link RunIdGenerator}. */
export interface RunIdGeneratorOptions {
  /** Where the time comes from; default the system's clock. */
  readonly clock?: Clock;
}

/** Gives ids to runs of simulations: `{name}_{N}agents_{YYYYMMDD}_{HHMMSS}_{seq}`, in UTC. */
export class RunIdGenerator {
  readonly #store: Store;
  readonly #clock: Clock;

  /**
   * @param store - Where the runs live.
   * @param options - `clock`.
   */
  constructor(store: Store, options: RunIdGeneratorOptions = {}) {
    this.#store = store;
    this.#clock = options.clock ?? systemClock;
  }

  /**
   * A new id, claimed: the folder of the run is made, and of all callers in all processes this one has it. Durable when it resolves.
   *
   * @throws {RunIDCollisionError} `RUN_ID_COLLISION` when all 99 ids of this second are taken.
   * @throws {RangeError} For a name that is empty or too long, or a number of agents that is none.
   * @throws {StoreError} When the store cannot be written.
   */
  async next({ name, agents }: RunIdParts): Promise<string> {
    if (!Number.isSafeInteger(agents) || agents < 1)
      throw new RangeError(`The number of agents is a positive integer, not ${agents}`);
    const stem = `${nameInRunId(name)}_${agents}agents_${moment(this.#clock)}`;
    for (let sequence = 1; sequence <= MAX_SEQUENCE; sequence += 1) {
      const id = `${stem}_${String(sequence).padStart(2, "0")}`;
      if (await this.#store.documents.reserve(`runs/${id}`)) return id;
    }
    const path = `runs/${stem}_*`;
    throw new RunIDCollisionError(
      "RUN_ID_COLLISION",
      `Cannot make a run id "${stem}_NN": all ${MAX_SEQUENCE} of this second are taken; start the run again in a second`,
      { path },
    );
  }
}

/**
 * Makes a {@link RunIdGenerator}.
 *
 * @param store - Where the runs live.
 * @param options - `clock`.
 */
export function runIdGenerator(store: Store, options: RunIdGeneratorOptions = {}): RunIdGenerator {
  return new RunIdGenerator(store, options);
}

/**
 * A simulation's name as it stands in its run ids: every character outside `[A-Za-z0-9_-]` is `_`.
 *
 * @throws {RangeError} For a name that is empty, or longer than {@link MAX_RUN_NAME_LENGTH} characters.
 */
export function nameInRunId(name: string): string {
  const safe = name.replaceAll(/[^A-Za-z0-9_-]/gu, "_");
  if (safe === "") throw new RangeError("A simulation needs a name to make a run id from, not an empty text");
  if (safe.length > MAX_RUN_NAME_LENGTH)
    throw new RangeError(
      `A name that a run id is made from has ${MAX_RUN_NAME_LENGTH} characters at most, not ${safe.length}; shorten "${name.slice(0, 40)}..."`,
    );
  return safe;
}

/** `YYYYMMDD_HHMMSS`, in UTC. */
function moment(clock: Clock): string {
  const text = formatTimestamp(clock());
  return `${text.slice(0, 10).replaceAll("-", "")}_${text.slice(11, 19).replaceAll(":", "")}`;
}
