import type { Context } from "../context.ts";

/** Runs a simulation again and compares every checkpoint. */
export async function replay(
  _context: Context,
  _runId: string,
  _options: { readonly from?: number },
): Promise<number> {
  throw new Error("not yet");
}
