import { type Checkpoint, CheckpointManager, type LoadedCheckpoint } from "@holdfast/checkpoint";
import type { Json, Store } from "@holdfast/storage";
import type { RunState } from "@holdfast/task-store";
import type { Logger } from "../engine/engine.ts";
import { type GivenParts, loadParts, type Parts } from "../engine/parts.ts";
import { reasonOf, SimulationError } from "../errors.ts";
import { firstDifference } from "../state/first-difference.ts";
import type { RandomState } from "../state/random.ts";
import { type MadeTurn, makeFirstState, makeTurn, reasonToEnd, TurnAbandoned } from "../turn/make-turn.ts";
import { recallFrom } from "../turn/once.ts";
import { createInsideWork, firstRandom, type TurnServices } from "../turn/turn.ts";
import { configOfSimulation, type KeptConfig, loadSimulationRun } from "./config-of-run.ts";
import { checkpointOfTurn, madeTurnOf } from "./starting-point.ts";

/** Options of {@link replaySimulation}. Parts that are given are taken instead of those of the run's config. */
export interface ReplaySimulationOptions extends GivenParts {
  readonly store: Store;
  /** Turn to begin with, one the run has a checkpoint of. Default: the first state, or the checkpoint a fork began with. */
  readonly from?: number | undefined;
  /** Rejects with its reason when it aborts. */
  readonly signal?: AbortSignal | undefined;
  readonly onTurn?: ((progress: { readonly turn: number; readonly to: number }) => void) | undefined;
}

/** Where a replay came out differently. */
export interface ReplayDifference {
  /** The first turn that can be told to differ: that of a checkpoint, or of remembered work. */
  readonly turn: number;
  /**
   * JSON Pointer into the state; or `random` (the generator stands elsewhere), `once` (remembered work that the run did not do), `end` (the run would have
   * ended there), `error` (the turn cannot be made).
   */
  readonly path: string;
  /** What is recorded; `undefined` when nothing is. */
  readonly expected: Json | undefined;
  readonly actual: Json | undefined;
  /** The same for people. */
  readonly message: string;
}

/** How a replay came out. */
export interface ReplayResult {
  readonly run_id: string;
  readonly from: number;
  /** The last turn that was made; of a difference, its turn. */
  readonly to: number;
  /** Turns whose checkpoints were compared and are the same. */
  readonly checkpoints_compared: readonly number[];
  /** Checkpoints that could not be read, and were not compared. */
  readonly unreadable: readonly { readonly path: string; readonly code: string; readonly message: string }[];
  readonly difference?: ReplayDifference;
}

/**
 * Makes the turns of a run again and compares every state with the checkpoints that are kept, `last` included: the proof that the engine gives the same
 * today. Remembered work is not done again, its recorded results are given. Nothing is written, and no event is added.
 *
 * A fork is replayed from the checkpoint it began with.
 *
 * @throws {SimulationError} `SIMULATION_RUN_MISSING`, `SIMULATION_RUN_KIND`, `SIMULATION_RUN_DAMAGED`, `SIMULATION_CHECKPOINT_MISSING`, `SIMULATION_MODULE`.
 * @throws {CheckpointLoadError} When the checkpoint to begin with cannot be read.
 */
export async function replaySimulation(
  runId: string,
  options: ReplaySimulationOptions,
): Promise<ReplayResult> {
  const run = await loadSimulationRun(options.store, runId);
  const kept = configOfSimulation(options.store, run);
  const parts = await loadParts(kept.config, options);
  return new Replay(run, kept, parts, options).run();
}

const silent = (): void => undefined;
const SILENT: Logger = { debug: silent, info: silent, warn: silent, error: silent };

class Replay {
  readonly #run: RunState;
  readonly #parts: Parts;
  readonly #options: ReplaySimulationOptions;
  readonly #kept: KeptConfig;
  readonly #services: TurnServices;
  readonly #compared: number[] = [];
  readonly #unreadable: { path: string; code: string; message: string }[] = [];
  #missing: ReplayDifference | undefined;
  #from = 0;

  constructor(run: RunState, kept: KeptConfig, parts: Parts, options: ReplaySimulationOptions) {
    this.#run = run;
    this.#parts = parts;
    this.#options = options;
    this.#kept = kept;
    this.#services = {
      runId: run.run_id,
      config: kept.config,
      seed: kept.seed,
      signal: options.signal ?? new AbortController().signal,
      logger: SILENT,
      emit: () => undefined,
      remember: recallFrom(options.store, run.run_id, ({ turn, agent, name }) => {
        const whose = agent === null ? "the engine" : `agent "${agent}"`;
        const message = `Turn ${turn} differs: ${whose} asks for "${name}" once, and the run has no result of it`;
        this.#missing ??= { turn, path: "once", expected: undefined, actual: name, message };
        return new Error(message);
      }),
      insideWork: createInsideWork(),
    };
  }

  async run(): Promise<ReplayResult> {
    const start = await this.#start();
    if ("message" in start) return this.#result(0, start);
    let made = start;
    this.#from = made.state.turn;
    const kept = await this.#checkpoints(made.state.turn);
    const to = Math.max(made.state.turn, ...kept.keys());
    for (;;) {
      const { turn } = made.state;
      const difference = await this.#compare(made, kept.get(turn) ?? []);
      if (difference !== undefined) return this.#result(turn, difference);
      if (turn >= to) return this.#result(turn);
      const next = await this.#next(made);
      if ("message" in next) return this.#result(next.turn, next);
      made = next;
      this.#options.onTurn?.({ turn: made.state.turn, to });
    }
  }

  #result(to: number, difference?: ReplayDifference): ReplayResult {
    return {
      run_id: this.#run.run_id,
      from: this.#from,
      to,
      checkpoints_compared: this.#compared,
      unreadable: this.#unreadable,
      ...(difference === undefined ? {} : { difference }),
    };
  }

  async #start(): Promise<MadeTurn | ReplayDifference> {
    const { store, from } = this.#options;
    const { run_id, parent } = this.#run;
    const { seed } = this.#kept;
    if (parent === undefined && (from === undefined || from === 0))
      return this.#attempt(0, () => makeFirstState(this.#services, this.#parts, firstRandom(seed)));
    if (parent === undefined || (from !== undefined && from !== parent.turn)) {
      return madeTurnOf(await checkpointOfTurn(store, run_id, from ?? 0), seed);
    }
    const begun = madeTurnOf(await checkpointOfTurn(store, parent.run_id, parent.turn), seed);
    return { ...begun, random: await this.#randomOfFork(begun.random, parent.run_id) };
  }

  /** A fork with a seed of its own began its random numbers anew. */
  async #randomOfFork(random: RandomState, parentId: string): Promise<RandomState> {
    const parent = configOfSimulation(
      this.#options.store,
      await loadSimulationRun(this.#options.store, parentId),
    );
    return parent.seed === this.#kept.seed ? random : firstRandom(this.#kept.seed);
  }

  async #next(made: MadeTurn): Promise<MadeTurn | ReplayDifference> {
    const { turn } = made.state;
    const end = reasonToEnd(this.#parts.engine, made.state, this.#kept.config);
    if (end !== undefined) {
      const message = `Turn ${turn} differs: the run would end there (${end}), and it went on`;
      return { turn, path: "end", expected: undefined, actual: end, message };
    }
    return this.#attempt(turn + 1, () => makeTurn(this.#services, this.#parts, made));
  }

  /** Makes a turn; what cannot be made is a difference, for it was made once. */
  async #attempt(turn: number, make: () => Promise<MadeTurn>): Promise<MadeTurn | ReplayDifference> {
    try {
      const made = await make();
      return this.#missing ?? made;
    } catch (error) {
      if (error instanceof TurnAbandoned) throw this.#services.signal.reason;
      if (this.#missing !== undefined) return this.#missing;
      if (!(error instanceof SimulationError)) throw error;
      const message = `Turn ${turn} differs: it cannot be made: ${reasonOf(error)}`;
      return { turn, path: "error", expected: undefined, actual: reasonOf(error), message };
    }
  }

  /** What to compare with, by turn, beyond the one to begin with (but for the first state of all). */
  async #checkpoints(after: number): Promise<ReadonlyMap<number, readonly (number | "last")[]>> {
    const { store } = this.#options;
    const { run_id } = this.#run;
    const manager = new CheckpointManager(store, run_id, null);
    const found = new Map<number, (number | "last")[]>();
    const add = (turn: number, which: number | "last"): void => {
      if (turn > after || (turn === 0 && after === 0)) found.set(turn, [...(found.get(turn) ?? []), which]);
    };
    for (const { turn } of await manager.list()) add(turn, turn);
    const last = await this.#load(manager, "last");
    if (last !== undefined) add(last.turn, "last");
    return found;
  }

  async #compare(
    { state, random }: MadeTurn,
    kept: readonly (number | "last")[],
  ): Promise<ReplayDifference | undefined> {
    const manager = new CheckpointManager(this.#options.store, this.#run.run_id, null);
    let isCompared = false;
    for (const which of kept) {
      const checkpoint = await this.#load(manager, which);
      // `last` of a run that is under way has moved on.
      if (checkpoint === undefined || checkpoint.turn !== state.turn) continue;
      const difference = differenceOf(checkpoint, state, random);
      if (difference !== undefined) return difference;
      isCompared = true;
    }
    if (isCompared) this.#compared.push(state.turn);
    return undefined;
  }

  async #load(manager: CheckpointManager, which: number | "last"): Promise<Checkpoint | undefined> {
    let loaded: LoadedCheckpoint;
    try {
      loaded = await manager.load(this.#run.run_id, which);
      if (loaded.fallback === undefined) return loaded.checkpoint;
      throw loaded.fallback;
    } catch (error) {
      const code = error instanceof Error && "code" in error ? String(error.code) : "";
      if (!code.startsWith("CHECKPOINT_")) throw error;
      if (code === "CHECKPOINT_MISSING") return undefined;
      const path = error instanceof Error && "path" in error ? String(error.path) : "";
      if (this.#unreadable.every((one) => one.path !== path))
        this.#unreadable.push({ path, code, message: reasonOf(error) });
      return undefined;
    }
  }
}

function differenceOf(
  checkpoint: Checkpoint,
  state: MadeTurn["state"],
  random: RandomState,
): ReplayDifference | undefined {
  const { turn } = checkpoint;
  const found = firstDifference(checkpoint.state, state);
  if (found !== undefined) {
    const message = `Turn ${turn} differs at "${found.path}": recorded is ${shown(found.expected)}, made again it is ${shown(found.actual)}`;
    return { turn, ...found, message };
  }
  if (checkpoint.random === undefined) return undefined;
  const drawn = firstDifference(checkpoint.random, random);
  if (drawn === undefined) return undefined;
  const message = `Turn ${turn} differs: the state is the same, but the engine drew other random numbers for it`;
  return { turn, path: "random", expected: checkpoint.random, actual: random, message };
}

function shown(value: Json | undefined): string {
  if (value === undefined) return "nothing";
  const text = JSON.stringify(value);
  return text.length > 100 ? `${text.slice(0, 97)}...` : text;
}
