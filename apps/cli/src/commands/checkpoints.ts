import type { Context } from "../context.ts";

type Turn = number | "last";

export async function checkpoints(_context: Context, _runId: string): Promise<number> {
  throw new Error("not yet");
}
export async function showCheckpoint(_context: Context, _runId: string, _turn: Turn): Promise<number> {
  throw new Error("not yet");
}
export async function diffCheckpoints(
  _context: Context,
  _runId: string,
  _a: Turn,
  _b: Turn,
): Promise<number> {
  throw new Error("not yet");
}
