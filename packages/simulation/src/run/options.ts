import type { VerbosityLevel } from "@holdfast/events";
import type { Clock, Store } from "@holdfast/storage";
import type * as z from "zod";
import type { simulationConfigSchema } from "../config/schema.ts";
import type { SimulationState } from "../engine/engine.ts";
import type { GivenParts } from "../engine/parts.ts";

/** A turn that is durable. */
export interface TurnReport {
  readonly run_id: string;
  readonly turn: number;
  readonly max_turns: number;
  /** The state after it. Not to be changed. */
  readonly state: SimulationState;
}

/** What is told beside turns. */
export type SimulationNote =
  | {
      readonly kind: "run";
      readonly run_id: string;
      /** The turn it begins with: 0, or that of the checkpoint. */
      readonly turn: number;
      readonly max_turns: number;
      readonly resumed: boolean;
    }
  | { readonly kind: "checkpoint"; readonly turn: number; readonly path: string }
  | { readonly kind: "warning"; readonly message: string }
  | {
      readonly kind: "log";
      readonly level: "debug" | "info" | "warn" | "error";
      readonly turn: number;
      readonly message: string;
      readonly fields?: Readonly<Record<string, unknown>> | undefined;
    };

/** What all ways to work on a run have in common. Parts that are given are taken instead of those of the config. */
export interface SimulationOptions extends GivenParts {
  readonly store: Store;
  /** Stops the run: the turn under way is given up, everything before it is saved already; the result's status is `aborted`. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each turn, once it is durable. What it throws ends the run. */
  readonly onTurn?: ((report: TurnReport) => void) | undefined;
  readonly onNote?: ((note: SimulationNote) => void) | undefined;
  /** Microseconds since 1970. Default: the system's clock. */
  readonly clock?: Clock | undefined;
}

/** What stands in for what the config says. */
export interface SimulationOverrides {
  readonly maxTurns?: number | undefined;
  /** A positive integer, or `null` for none. */
  readonly checkpointInterval?: number | null | undefined;
  readonly seed?: number | undefined;
  readonly verbosity?: VerbosityLevel | undefined;
}

/** Options of `runSimulation()`. */
export interface RunSimulationOptions extends SimulationOptions, SimulationOverrides {
  /** As `loadSimulationConfig()` gives it, or made by hand. */
  readonly config: z.input<typeof simulationConfigSchema>;
  /** The file it came from, for errors; paths of modules in a config made by hand are taken from its folder. */
  readonly configPath?: string | undefined;
  /** Draws the seed when nothing says one: a number in [0, 1). Default: `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/** Options of `resumeSimulation()`. */
export type ResumeSimulationOptions = SimulationOptions;

/** Options of `forkSimulation()`. Without an override, the new run has the config of the old one. */
export interface ForkSimulationOptions extends SimulationOptions, SimulationOverrides {
  /** Another config to go on with; one without a seed takes that of the old run. */
  readonly config?: z.input<typeof simulationConfigSchema> | undefined;
  /** The file it came from, for errors; paths of modules in a config made by hand are taken from its folder. */
  readonly configPath?: string | undefined;
}

/** How working on a run ended. */
export interface SimulationResult {
  readonly run_id: string;
  /** `failed`: the engine, an agent or the validator did. `aborted`: the signal did. Both can be resumed. */
  readonly status: "completed" | "failed" | "aborted";
  /** The last turn that is durable. */
  readonly turn: number;
  /** `max_turns`, or what the engine says. */
  readonly termination_reason?: string;
  readonly error?: { readonly code: string; readonly message: string };
  /** How to go on, for a run that is not completed. */
  readonly hint?: string;
}
