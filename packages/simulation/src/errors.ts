import type { Holder } from "@holdfast/storage";

/**
 * What can go wrong with a simulation.
 *
 * - `SIMULATION_MODULE`: a module of the config cannot be loaded, or exports not what it must. Nothing was created.
 * - `SIMULATION_RUN_MISSING`: there is no such run.
 * - `SIMULATION_RUN_KIND`: the run is none of a simulation.
 * - `SIMULATION_RUN_HELD`: another process works on it.
 * - `SIMULATION_RUN_EXISTS`: the run id is taken.
 * - `SIMULATION_RUN_DAMAGED`: what is stored about the run contradicts itself.
 * - `SIMULATION_CHECKPOINT_MISSING`: there is no checkpoint of the turn.
 * - `SIMULATION_FORK_END`: the checkpoint to fork from is where the new run would end.
 * - `SIMULATION_ENGINE_FAILED`: the engine threw.
 * - `SIMULATION_AGENT_FAILED`: an agent threw, or what it decided is no plain JSON.
 * - `SIMULATION_VALIDATOR_FAILED`: the validator threw, or gave no verdict.
 * - `SIMULATION_STATE`: the engine gave no state, or one that is no plain JSON.
 * - `SIMULATION_TURN_OVER`: `ctx` was used after its turn was over.
 */
export type SimulationErrorCode =
  | "SIMULATION_MODULE"
  | "SIMULATION_RUN_MISSING"
  | "SIMULATION_RUN_KIND"
  | "SIMULATION_RUN_HELD"
  | "SIMULATION_RUN_EXISTS"
  | "SIMULATION_RUN_DAMAGED"
  | "SIMULATION_CHECKPOINT_MISSING"
  | "SIMULATION_FORK_END"
  | "SIMULATION_ENGINE_FAILED"
  | "SIMULATION_AGENT_FAILED"
  | "SIMULATION_VALIDATOR_FAILED"
  | "SIMULATION_STATE"
  | "SIMULATION_TURN_OVER";

/** A simulation that cannot be started, resumed, forked or told about, or that cannot go on. Match on `code`. */
export class SimulationError extends Error {
  override readonly name: string = "SimulationError";
  readonly code: SimulationErrorCode;
  /** A place in the store, a run id, a module, or a path in the state. */
  readonly path: string;
  /** Who holds the run, for `SIMULATION_RUN_HELD`. */
  readonly holder: Holder | undefined;

  constructor(
    code: SimulationErrorCode,
    message: string,
    options: { readonly path: string; readonly cause?: unknown; readonly holder?: Holder | undefined },
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.path = options.path;
    this.holder = options.holder;
  }
}

/** What an error says, whatever was thrown. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
