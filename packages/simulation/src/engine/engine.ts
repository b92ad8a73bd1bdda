import type { EventInput } from "@holdfast/events";
import type { Json } from "@holdfast/storage";
import type * as z from "zod";
import type { AgentConfig, SimulationConfig } from "../config/schema.ts";
import type { Random } from "../state/random.ts";

/** The state of a simulation: plain JSON. The loop sets `turn`. */
export interface SimulationState {
  readonly turn: number;
  readonly [key: string]: Json;
}

/** What an engine may return: plain JSON, `turn` is set for it. */
export type NextState = { readonly turn?: number } & { readonly [key: string]: unknown };

type WithoutTurn<Event> = Event extends unknown ? Omit<Event, "turn_number"> : never;
/** An event of this turn: {@link EventInput} without what the loop knows. */
export type TurnEvent = WithoutTurn<EventInput>;

/** Says something to whoever watches the run. It is not kept. */
export interface Logger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** What is remembered work told: `signal` aborts when the turn is given up, `key` is the same whenever it is run again. */
export interface RememberedWork {
  /** To be passed on to what is called, where it takes an idempotency key. */
  readonly key: string;
  /** 1 the first time; more when it was begun before and its result is not known. */
  readonly attempt: number;
  readonly signal: AbortSignal;
}

/** What everything that is made in a turn gets. */
export interface MakerContext {
  readonly runId: string;
  readonly config: SimulationConfig;
  /** The turn being made, from 1; 0 in `init`. */
  readonly turn: number;
  /** Seeded; the same in a resumed run, a fork and a replay. */
  readonly random: Random;
  /** Aborts when the run is to stop: the turn is given up, what it did is made again by a resume. */
  readonly signal: AbortSignal;
  readonly logger: Logger;
  /** Adds an event of this turn to the stream, without waiting. Its id, or `undefined` when it is not kept (verbosity, a full queue, a replay). */
  emit(event: TurnEvent): string | undefined;
  /**
   * Runs `work` once for this turn, whatever crashes: its result (JSON, or nothing) is durable when it resolves, and is given again when the
   * turn is made again. Within the work `random` is a stream of its own.
   *
   * @param name - Its name within the turn. A second call of the same name gives the same result.
   */
  once<T extends Json | void>(name: string, work: (context: RememberedWork) => T | Promise<T>): Promise<T>;
}

/** What `step` gets beside the state. */
export interface TurnContext extends MakerContext {
  /** What the agents decided and the validator let through, by the names of the agents, in their order in the config. */
  readonly decisions: ReadonlyMap<string, Json>;
  /** Ids of the ACTION events of those decisions, for `caused_by`. */
  readonly actions: ReadonlyMap<string, string>;
}

/** What a config holds for it, as a zod schema of an object, or as a JSON Schema. */
export type ParameterSchema = z.ZodObject | { readonly [key: string]: unknown };

/** Makes turns. The state goes in and comes out as plain JSON; whatever else it keeps is lost in a crash. */
export interface Engine<State extends NextState = SimulationState> {
  /** The state of turn 0. */
  init(config: SimulationConfig, ctx: TurnContext): NextState | Promise<NextState>;
  /** The state after the turn `ctx.turn`. It may change the state it gets and return it. */
  step(state: State, ctx: TurnContext): NextState | Promise<NextState>;
  /** Whether the run ends with this state: a text says why. */
  isDone?(state: State, config: SimulationConfig): boolean | string | undefined;
  /** Added to `summary_stats` of the results: plain JSON. */
  summarize?(state: State, config: SimulationConfig): Readonly<Record<string, unknown>>;
  /** How many agents there are when the config lists none. */
  countAgents?(config: SimulationConfig): number;
}

/** What an agent sees. It cannot be changed. */
export interface AgentView {
  readonly turn: number;
  /** The state before the turn. */
  readonly state: SimulationState;
  /** The agent's entry in the config. */
  readonly agent: AgentConfig;
  readonly config: SimulationConfig;
}

/** Decides. Agents decide at the same time, each with random numbers of its own. */
export interface Agent {
  /** A decision (plain JSON), or nothing. Its `type` or `action`, where it has one, names it in the stream. */
  decide(view: AgentView, ctx: MakerContext): unknown;
}

/** What a validator says. */
export type Verdict = true | { readonly valid: true } | { readonly valid: false; readonly reason: string };

/** Checks decisions before they reach the engine. */
export interface Validator {
  validate(decision: Json, view: AgentView): Verdict | Promise<Verdict>;
}
