import type { Context } from "../context.ts";

/** Options of `run` for simulations. */
export interface RunSimulationFlags {
  readonly checkpointInterval?: number;
  readonly maxTurns?: number;
  readonly seed?: number;
  readonly verbosity?: string;
  readonly resumeFrom?: string;
  readonly resumeTurn?: number;
}

/** Runs a simulation config. */
export async function runSimulationConfig(
  _context: Context,
  _path: string,
  _flags: RunSimulationFlags,
): Promise<number> {
  throw new Error("not yet");
}

/** Goes on with a simulation run. */
export async function resumeSimulationRun(_context: Context, _runId: string): Promise<number> {
  throw new Error("not yet");
}
