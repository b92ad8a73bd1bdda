import { CheckpointManager, CheckpointSaveError, type NewSimulationResults } from "@holdfast/checkpoint";
import { type EventStream, openEventStream } from "@holdfast/events";
import {
  type Claim,
  type Clock,
  formatTimestamp,
  StoreError,
  StoreFencedError,
  systemClock,
} from "@holdfast/storage";
import { type RunChange, type RunState, type RunStore, runStore } from "@holdfast/task-store";
import { numberOfAgents } from "../config/number-of-agents.ts";
import type { SimulationConfig } from "../config/schema.ts";
import type { Logger } from "../engine/engine.ts";
import type { Parts } from "../engine/parts.ts";
import { reasonOf, SimulationError } from "../errors.ts";
import {
  type MadeTurn,
  makeFirstState,
  makeTurn,
  reasonToEnd,
  summaryOf,
  TurnAbandoned,
} from "../turn/make-turn.ts";
import { rememberIn } from "../turn/once.ts";
import { createInsideWork, firstRandom, type TurnServices } from "../turn/turn.ts";
import type { SimulationNote, SimulationOptions, SimulationResult } from "./options.ts";

/** What a run is worked on with. */
export interface SessionOptions {
  readonly run: RunState;
  readonly config: SimulationConfig;
  readonly seed: number;
  readonly parts: Parts;
  readonly claim: Claim;
  readonly options: SimulationOptions;
}

/** The state of the run tells of its turns no more often than this, in microseconds. */
const PROGRESS_INTERVAL_US = 100_000n;

/** Where a run begins or goes on: its last durable turn, or nothing yet. */
export interface StartingPoint extends MadeTurn {
  /** Whether `last` holds this state: not when another checkpoint stood in for it. */
  readonly isLast: boolean;
}

/** One claim of one run, and the loop that makes its turns. */
export class Session {
  readonly #run: RunState;
  readonly #config: SimulationConfig;
  readonly #parts: Parts;
  readonly #claim: Claim;
  readonly #runs: RunStore;
  readonly #checkpoints: CheckpointManager;
  readonly #events: EventStream;
  readonly #clock: Clock;
  readonly #services: TurnServices;
  readonly #options: SimulationOptions;
  readonly #began: bigint;
  #turn: number;
  /** When the state of the run was written last. */
  #progressToldAt: bigint | undefined;

  private constructor(session: SessionOptions, events: EventStream) {
    const { run, config, parts, claim, options, seed } = session;
    const { store, signal = new AbortController().signal, clock = systemClock } = options;
    this.#run = run;
    this.#config = config;
    this.#parts = parts;
    this.#claim = claim;
    this.#options = options;
    this.#clock = clock;
    this.#began = clock();
    this.#turn = run.turn ?? 0;
    this.#runs = runStore(store, { clock });
    this.#events = events;
    this.#checkpoints = new CheckpointManager(store, run.run_id, config.simulation.checkpoint_interval, {
      fence: claim,
      clock,
      compression: config.simulation.checkpoint_compression,
    });
    this.#services = {
      runId: run.run_id,
      config,
      seed,
      signal,
      logger: this.#logger(),
      emit: (event) => events.emit(event),
      remember: rememberIn(store, run.run_id, { fence: claim, clock }),
      insideWork: createInsideWork(),
    };
  }

  /** Opens what a run is worked on with. The claim is the caller's to give back. */
  static async open(session: SessionOptions): Promise<Session> {
    const { store, clock } = session.options;
    const { verbosity, events } = session.config.simulation;
    const stream = await openEventStream(store, session.run.run_id, {
      verbosity,
      fence: session.claim,
      queueSize: events.queue_size,
      onFull: events.on_full,
      ...(events.rotate_bytes === undefined ? {} : { rotateBytes: events.rotate_bytes }),
      ...(clock === undefined ? {} : { clock }),
    });
    return new Session(session, stream);
  }

  /**
   * Makes turns until the run ends, and writes down how.
   *
   * @param start - Where to go on; `undefined`: the engine makes the first state.
   */
  async work(start: StartingPoint | undefined): Promise<SimulationResult> {
    const runId = this.#run.run_id;
    const { max_turns } = this.#config.simulation;
    const again = this.#run.attempts > 1;
    this.#note({ kind: "run", run_id: runId, turn: start?.state.turn ?? 0, max_turns, resumed: again });
    try {
      this.#tellStart(start);
      return await this.#loop(await this.#begin(start));
    } catch (error) {
      return await this.#endEarly(error);
    } finally {
      await this.#events.close().catch(() => undefined);
    }
  }

  #tellStart(start: StartingPoint | undefined): void {
    const turn_number = start?.state.turn ?? 0;
    const { attempts, parent } = this.#run;
    if (attempts > 1) {
      this.#events.emit({
        event_type: "SYSTEM",
        turn_number,
        description: `The run goes on after turn ${turn_number}; what follows here of later turns is made again`,
        details: {
          status: "retry",
          retry_count: attempts - 1,
          resumed_from_turn: turn_number,
          attempt: attempts,
        },
      });
    }
    if (attempts > 1 && start !== undefined) return;
    this.#events.emit({
      event_type: "MILESTONE",
      turn_number,
      details: { milestone_type: "simulation_start", ...(parent === undefined ? {} : { parent }) },
    });
  }

  /** The state to make the next turn from, durable. */
  async #begin(start: StartingPoint | undefined): Promise<MadeTurn> {
    if (start === undefined) {
      const first = await this.#saving(0, "what it remembers", () =>
        makeFirstState(this.#services, this.#parts, firstRandom(this.#services.seed)),
      );
      await this.#saveLast(first);
      return first;
    }
    this.#turn = start.state.turn;
    if (!start.isLast) await this.#checkpoints.save(start.state, "last", { random: start.random });
    return start;
  }

  async #loop(begun: MadeTurn): Promise<SimulationResult> {
    const { engine } = this.#parts;
    let made = begun;
    let reason = reasonToEnd(engine, made.state, this.#config);
    // Due when the run was killed between `last` and this one; a fork keeps nothing of the turn it began with, which its parent has.
    const isForked = made.state.turn === this.#run.parent?.turn;
    if (made.state.turn > 0 && (!isForked || reason !== undefined)) await this.#saveDue(made, reason);
    for (;;) {
      if (reason !== undefined) return this.#complete(made, reason);
      if (this.#services.signal.aborted) throw new TurnAbandoned("the run is to stop");
      await this.#events.ready();
      const before = made;
      made = await this.#saving(before.state.turn + 1, "what it remembers", () =>
        makeTurn(this.#services, this.#parts, before),
      );
      reason = reasonToEnd(engine, made.state, this.#config);
      await this.#saveLast(made);
      await this.#saveDue(made, reason);
      await this.#saveProgress(made.state.turn);
      const { turn } = made.state;
      const { max_turns } = this.#config.simulation;
      this.#options.onTurn?.({ run_id: this.#run.run_id, turn, max_turns, state: made.state });
    }
  }

  /** What happened in a turn is with the system before its state is: a state without its story is what nobody could explain. */
  async #saveLast({ state, random }: MadeTurn): Promise<void> {
    await this.#saving(state.turn, "its events", () => this.#events.drain());
    await this.#checkpoints.save(state, "last", { random });
    this.#turn = state.turn;
  }

  /** The checkpoint that stays, where one is due. */
  async #saveDue({ state, random }: MadeTurn, reason: string | undefined): Promise<void> {
    const isFinal = reason !== undefined;
    if (!this.#checkpoints.shouldSave(state.turn, isFinal)) return;
    const { path } = await this.#checkpoints.save(state, isFinal ? "final" : "interval", { random });
    this.#note({ kind: "checkpoint", turn: state.turn, path });
  }

  /**
   * The turn in the state of the run, for who lists runs: `last` is what a resume goes on from, and what says where the run stands. So it is written after
   * the first turn, with every checkpoint that stays, and now and then, and not at every turn, which would cost as much again as the turn itself.
   */
  async #saveProgress(turn: number): Promise<void> {
    const now = this.#clock();
    const told = this.#progressToldAt;
    const isDue = told === undefined || now < told || now >= told + PROGRESS_INTERVAL_US;
    if (!isDue && !this.#checkpoints.shouldSave(turn)) return;
    this.#progressToldAt = now;
    const change = { turn, elapsed_time_seconds: this.#elapsed() };
    await this.#saving(turn, "the state of the run", () =>
      this.#runs.update(this.#run.run_id, change, { fence: this.#claim }),
    );
  }

  /** A turn is saved with all that belongs to it, or not: the causes that a full or read-only disk gives have one name. */
  async #saving<T>(turn: number, what: string, save: () => Promise<T>): Promise<T> {
    try {
      return await save();
    } catch (error) {
      if (error instanceof SimulationError) throw error;
      const cause = error instanceof Error ? error.cause : undefined;
      if (error instanceof StoreFencedError || cause instanceof StoreFencedError) throw error;
      const isStore = error instanceof StoreError || cause instanceof StoreError;
      if (!isStore) throw error;
      const path = error instanceof Error && "path" in error ? String(error.path) : this.#run.run_id;
      throw new CheckpointSaveError(
        "CHECKPOINT_SAVE",
        `Cannot save turn ${turn} of run "${this.#run.run_id}": ${what} cannot be written: ${reasonOf(error)}`,
        { path, cause: error },
      );
    }
  }

  async #complete({ state }: MadeTurn, reason: string): Promise<SimulationResult> {
    const { run_id, started_at } = this.#run;
    const { turn } = state;
    const known = await this.#checkpoints.loadResults();
    const termination_reason = known?.summary_stats.termination_reason ?? reason;
    if (known === undefined) {
      const elapsed = this.#elapsed();
      const summary = summaryOf(this.#parts.engine, state, this.#config);
      this.#events.emit({
        event_type: "MILESTONE",
        turn_number: turn,
        details: { milestone_type: "simulation_end", termination_reason },
      });
      await this.#saving(turn, "its events", () => this.#events.flush());
      const checkpoints = (await this.#checkpoints.list()).map(({ turn: of, file }) => ({ turn: of, file }));
      await this.#checkpoints.saveResults({
        run_metadata: this.#metadata(started_at),
        final_state: state,
        checkpoints,
        summary_stats: {
          ...summary,
          total_turns: turn,
          termination_reason,
          elapsed_time_seconds: elapsed,
        },
      });
    }
    await this.#saving(turn, "the state of the run", () =>
      this.#runs.complete(run_id, {
        fence: this.#claim,
        change: { turn, termination_reason, elapsed_time_seconds: this.#elapsed() },
      }),
    );
    return { run_id, status: "completed", turn, termination_reason };
  }

  #metadata(start_time: string): NewSimulationResults["run_metadata"] {
    const { name, checkpoint_interval } = this.#config.simulation;
    return {
      run_id: this.#run.run_id,
      simulation_name: name,
      num_agents: numberOfAgents(this.#config, this.#parts.engine) ?? 1,
      start_time,
      end_time: formatTimestamp(this.#clock()),
      checkpoint_interval,
      config_snapshot: this.#run.config_snapshot,
    };
  }

  /** An end before the end: told by a result when the run itself is the reason, thrown when it is the store or the program. */
  async #endEarly(error: unknown): Promise<SimulationResult> {
    const { run_id } = this.#run;
    const hint = `holdfast resume ${run_id} goes on after turn ${this.#turn}`;
    const common = { run_id, turn: this.#turn, hint };
    const change = { turn: this.#turn, elapsed_time_seconds: this.#elapsed() };
    const fence = this.#claim;
    if (error instanceof TurnAbandoned) {
      this.#tellFailure("The run was interrupted", "interrupted");
      await this.#events.flush();
      await this.#runs.abort(run_id, { fence, change });
      return { ...common, status: "aborted" };
    }
    const code = error instanceof Error && "code" in error ? String(error.code) : "UNKNOWN";
    const failure = { code, message: reasonOf(error) };
    this.#tellFailure(failure.message, code);
    if (error instanceof SimulationError) {
      await this.#saveFailure(failure, change);
      return { ...common, status: "failed", error: failure };
    }
    try {
      await this.#saveFailure(failure, change);
    } catch {
      // What failed is likely to fail again; the first error is the one to tell.
    }
    throw error;
  }

  async #saveFailure(failure: NonNullable<RunState["error"]>, change: RunChange): Promise<void> {
    await this.#events.flush();
    await this.#runs.fail(this.#run.run_id, failure, { fence: this.#claim, change });
  }

  #tellFailure(description: string, error_type: string): void {
    try {
      this.#events.emit({
        event_type: "SYSTEM",
        turn_number: this.#turn,
        description: description.slice(0, 250).toWellFormed(),
        details: { status: "failed", error_type },
      });
    } catch {
      // The stream may be what failed.
    }
  }

  /** Seconds that were spent on the run, over all attempts. */
  #elapsed(): number {
    const before = this.#run["elapsed_time_seconds"];
    const now = this.#clock();
    const spent = now > this.#began ? Number(now - this.#began) / 1_000_000 : 0;
    return (typeof before === "number" && before >= 0 ? before : 0) + spent;
  }

  #note(note: SimulationNote): void {
    this.#options.onNote?.(note);
  }

  #logger(): Logger {
    const at =
      (level: "debug" | "info" | "warn" | "error") =>
      (message: string, fields?: Readonly<Record<string, unknown>>): void =>
        this.#note({ kind: "log", level, turn: this.#turn + 1, message, fields });
    return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
  }
}
