import type { Json } from "@holdfast/storage";
import type { SimulationConfig } from "../config/schema.ts";
import type { Engine, SimulationState } from "../engine/engine.ts";
import type { Parts } from "../engine/parts.ts";
import { reasonOf, SimulationError } from "../errors.ts";
import { type JsonObject, plainJson } from "../state/plain-json.ts";
import type { RandomState } from "../state/random.ts";
import { decide } from "./decide.ts";
import { Turn, type TurnServices } from "./turn.ts";

/** What a turn made. Nothing of it is shared with the engine. */
export interface MadeTurn {
  readonly state: SimulationState;
  readonly random: RandomState;
}

/** The turn was given up because the run is to stop. */
export class TurnAbandoned extends Error {}

/**
 * The state of turn 0.
 *
 * @throws {SimulationError} `SIMULATION_ENGINE_FAILED`, `SIMULATION_STATE`.
 * @throws {TurnAbandoned} When the signal aborted.
 * @throws {StoreError} When the result of remembered work cannot be recorded.
 */
export function makeFirstState(services: TurnServices, parts: Parts, random: RandomState): Promise<MadeTurn> {
  return inTurn(services, 0, random, async (turn) => {
    const context = turn.context(new Map(), new Map());
    return callEngine("init", 0, () => parts.engine.init(services.config, context));
  });
}

/**
 * Makes one turn: the agents decide, the validator checks, the engine makes the next state.
 *
 * @param before - The state before, which the engine may change.
 * @throws As {@link makeFirstState}; also `SIMULATION_AGENT_FAILED`, `SIMULATION_VALIDATOR_FAILED`.
 */
export function makeTurn(services: TurnServices, parts: Parts, before: MadeTurn): Promise<MadeTurn> {
  const number = before.state.turn + 1;
  return inTurn(services, number, before.random, async (turn) => {
    turn.emit({ event_type: "MILESTONE", details: { milestone_type: "turn_start" } });
    const { decisions, actions } = await decide(parts, services.config, before.state, turn);
    const context = turn.context(decisions, actions);
    const made = await callEngine("step", number, () => parts.engine.step(before.state, context));
    turn.emit({ event_type: "MILESTONE", details: { milestone_type: "turn_end" } });
    return made;
  });
}

/** Whether a run ends with a state, and why. */
export function reasonToEnd(
  engine: Engine,
  state: SimulationState,
  config: SimulationConfig,
): string | undefined {
  let done: unknown;
  try {
    done = engine.isDone?.(state, config);
  } catch (error) {
    throw engineFailed("isDone", state.turn, error);
  }
  if (typeof done === "string" && done !== "") return done;
  if (done === true) return "done";
  if (done !== undefined && done !== false && done !== null && done !== "") {
    const reason = "isDone() gives true, false, or a text that says why; it may not wait";
    throw engineFailed("isDone", state.turn, new TypeError(reason));
  }
  return state.turn >= config.simulation.max_turns ? "max_turns" : undefined;
}

/** What an engine adds to the results. */
export function summaryOf(engine: Engine, state: SimulationState, config: SimulationConfig): JsonObject {
  let summary: unknown;
  try {
    summary = engine.summarize?.(state, config);
  } catch (error) {
    throw engineFailed("summarize", state.turn, error);
  }
  if (summary === undefined) return {};
  const copy = plainJson(summary, "summary");
  if (typeof copy !== "object" || copy === null || Array.isArray(copy))
    throw engineFailed("summarize", state.turn, new TypeError("it gives an object"));
  return { ...(copy as { readonly [key: string]: Json }) };
}

async function inTurn(
  services: TurnServices,
  number: number,
  random: RandomState,
  make: (turn: Turn) => Promise<unknown>,
): Promise<MadeTurn> {
  const turn = new Turn(services, number, random);
  try {
    const made = await orAbandoned(recorded(turn, make), services.signal);
    return { state: stateOf(made, number), random: turn.random };
  } finally {
    turn.end();
  }
}

/** What a maker gives, unless something it remembered could not be recorded. */
async function recorded(turn: Turn, make: (turn: Turn) => Promise<unknown>): Promise<unknown> {
  try {
    const made = await make(turn);
    if (turn.storeFailure !== undefined) throw turn.storeFailure;
    return made;
  } catch (error) {
    throw turn.storeFailure ?? error;
  }
}

/** What a maker gives, or `TurnAbandoned` as soon as the signal aborts: a maker may be slow and not listen. */
function orAbandoned<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const give = (): void => reject(new TurnAbandoned("the run is to stop"));
    if (signal.aborted) give();
    signal.addEventListener("abort", give, { once: true });
    work
      .then(resolve, (error: unknown) => (signal.aborted ? give() : reject(error)))
      .finally(() => signal.removeEventListener("abort", give));
  });
}

async function callEngine(name: string, turn: number, call: () => unknown): Promise<unknown> {
  try {
    return await call();
  } catch (error) {
    throw engineFailed(name, turn, error);
  }
}

function engineFailed(name: string, turn: number, error: unknown): SimulationError {
  return new SimulationError(
    "SIMULATION_ENGINE_FAILED",
    `Cannot make turn ${turn}: ${name}() of the engine failed: ${reasonOf(error)}`,
    { path: `turn ${turn}`, cause: error },
  );
}

/** An own copy of what an engine returned, with its turn. */
function stateOf(made: unknown, turn: number): SimulationState {
  if (typeof made !== "object" || made === null || Array.isArray(made)) {
    const found =
      made === undefined
        ? "nothing"
        : made === null
          ? "null"
          : Array.isArray(made)
            ? "a list"
            : `a ${typeof made}`;
    throw new SimulationError(
      "SIMULATION_STATE",
      `Cannot keep turn ${turn}: the engine returned ${found}; it must return the state, an object`,
      { path: "state" },
    );
  }
  // As the engine made it, but for the turn: an instance of a class stays one, and is refused.
  const withTurn = Object.assign(Object.create(Object.getPrototypeOf(made)), made, { turn });
  return plainJson(withTurn, "state") as SimulationState;
}
