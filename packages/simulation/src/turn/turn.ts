import { AsyncLocalStorage } from "node:async_hooks";
import type { EventInput } from "@holdfast/events";
import { type Json, StoreError } from "@holdfast/storage";
import type { SimulationConfig } from "../config/schema.ts";
import type { Logger, MakerContext, RememberedWork, TurnContext, TurnEvent } from "../engine/engine.ts";
import { SimulationError } from "../errors.ts";
import { Generator, type Random, type RandomState, randomOf } from "../state/random.ts";
import type { Remember } from "./once.ts";

/** What the turns of a run have in common. */
export interface TurnServices {
  readonly runId: string;
  readonly config: SimulationConfig;
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly logger: Logger;
  readonly emit: (event: EventInput) => string | undefined;
  readonly remember: Remember;
  /** The random numbers of remembered work that is under way, seen from within it. */
  readonly insideWork: AsyncLocalStorage<Generator>;
}

/** The generator's state before the first turn. */
export function firstRandom(seed: number): RandomState {
  return Generator.from(seed, "engine").state();
}

/** One turn while it is made: what its makers are given, and no longer than it lasts. */
export class Turn {
  readonly number: number;
  readonly #services: TurnServices;
  readonly #main: Generator;
  #isOver = false;
  #storeFailure: StoreError | undefined;

  constructor(services: TurnServices, number: number, random: RandomState) {
    this.#services = services;
    this.number = number;
    this.#main = new Generator(random);
  }

  /** Where the engine's random numbers stand. */
  get random(): RandomState {
    return this.#main.state();
  }

  /** Why the result of remembered work was not recorded: then the turn must not stand, whatever its maker made of that. */
  get storeFailure(): StoreError | undefined {
    return this.#storeFailure;
  }

  /** From now on `ctx` refuses: a turn that was given up cannot reach into what comes after. */
  end(): void {
    this.#isOver = true;
  }

  emit(event: TurnEvent): string | undefined {
    return this.#services.emit({ ...event, turn_number: this.number });
  }

  /** For the engine. */
  context(decisions: ReadonlyMap<string, Json>, actions: ReadonlyMap<string, string>): TurnContext {
    return { ...this.#maker(null, this.#main), decisions, actions };
  }

  /** For an agent, with random numbers that its name and the turn decide. */
  agentContext(agent: string): MakerContext {
    return this.#maker(agent, Generator.from(this.#services.seed, `agent\n${this.number}\n${agent}`));
  }

  #maker(agent: string | null, generator: Generator): MakerContext {
    const { runId, config, signal, logger, insideWork } = this.#services;
    const random: Random = randomOf(() => {
      this.#checkOpen("random");
      return insideWork.getStore() ?? generator;
    });
    return {
      runId,
      config,
      turn: this.number,
      random,
      signal,
      logger,
      emit: (event) => {
        this.#checkOpen("emit");
        return this.emit(event);
      },
      once: <T extends Json | void>(name: string, work: (context: RememberedWork) => T | Promise<T>) =>
        this.#once(agent, name, work) as Promise<T>,
    };
  }

  async #once(
    agent: string | null,
    name: string,
    run: (context: RememberedWork) => unknown,
  ): Promise<unknown> {
    if (typeof name !== "string" || name === "")
      throw new TypeError("ctx.once() takes a name: a text that is not empty");
    if (typeof run !== "function") throw new TypeError("ctx.once() takes a function as its second argument");
    this.#checkOpen("once");
    const { seed, signal, remember, insideWork } = this.#services;
    const own = Generator.from(seed, `once\n${this.number}\n${agent ?? ""}\n${name}`);
    const work = (context: RememberedWork): unknown => insideWork.run(own, () => run(context));
    try {
      return await remember({ turn: this.number, agent, name, signal, run: work });
    } catch (error) {
      if (error instanceof StoreError) this.#storeFailure ??= error;
      throw error;
    }
  }

  #checkOpen(what: string): void {
    if (!this.#isOver) return;
    throw new SimulationError(
      "SIMULATION_TURN_OVER",
      `Cannot use ctx.${what} of turn ${this.number}: the turn is over; await everything before step() returns`,
      { path: this.#services.runId },
    );
  }
}

export const createInsideWork = (): AsyncLocalStorage<Generator> => new AsyncLocalStorage<Generator>();
