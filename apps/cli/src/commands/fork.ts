import type { Context } from "../context.ts";

/** Options of `fork`. */
export interface ForkFlags {
  readonly turn: number;
  readonly checkpointInterval?: number;
  readonly maxTurns?: number;
  readonly verbosity?: string;
}

/** Starts a new run from a checkpoint of another. */
export async function fork(_context: Context, _runId: string, _flags: ForkFlags): Promise<number> {
  throw new Error("not yet");
}
