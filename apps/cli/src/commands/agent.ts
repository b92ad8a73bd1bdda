import { createExecAgent, createMockAgent, loadAgentScript } from "@holdfast/workflow/agent";
import type { Context } from "../context.ts";

/** Speaks the agent protocol on stdin and stdout by a script, with the failures asked for. */
export async function mockAgent(_context: Context, options: Record<string, unknown>): Promise<undefined> {
  void createMockAgent;
  void loadAgentScript;
  void options;
  return undefined;
}

/** Speaks the agent protocol on stdin and stdout for a command that knows nothing of it. */
export async function execAgent(
  _context: Context,
  command: readonly string[],
  options: { readonly type: string; readonly completed?: string },
): Promise<undefined> {
  void createExecAgent;
  void command;
  void options;
  return undefined;
}
