import type { Context } from "../context.ts";
import { forkSimulationRun, type OverrideFlags } from "./run-simulation.ts";

/** Options of `fork`. */
export interface ForkFlags extends OverrideFlags {
  readonly turn: number;
}

/** Starts a new run from a checkpoint of another. */
export async function fork(context: Context, runId: string, { turn, ...flags }: ForkFlags): Promise<number> {
  return forkSimulationRun(context, runId, turn, flags);
}
