import {
  createExecAgent,
  createMockAgent,
  loadAgentScript,
  type MockFailures,
  type ServeResult,
} from "@holdfast/workflow/agent";
import type { Context } from "../context.ts";
import { EXIT } from "../failure.ts";

/** Options of `mock-agent`, as the command line has them. */
export interface MockAgentFlags {
  readonly type: string;
  readonly script?: string;
  readonly reviewChangesCount?: number;
  readonly specChangesCount?: number;
  readonly heartbeatInterval?: number;
  /** False with `--no-heartbeat`. */
  readonly heartbeat: boolean;
  readonly crashBefore?: string | true;
  readonly crashAfter?: string | true;
  readonly exitCode?: number;
  readonly hang?: boolean;
  readonly garbage?: string;
  readonly oversized?: number;
  readonly duplicate?: boolean;
  readonly wrongCorrelation?: boolean;
  readonly attempts?: number;
}

/** Speaks the agent protocol on stdin and stdout by a script, with the failures asked for. */
export async function mockAgent(_context: Context, flags: MockAgentFlags): Promise<number> {
  const agent = createMockAgent({
    type: flags.type,
    ...given("script", flags.script === undefined ? undefined : await loadAgentScript(flags.script)),
    ...given("reviewChangesCount", flags.reviewChangesCount),
    ...given("specChangesCount", flags.specChangesCount),
    ...given("heartbeatIntervalMs", flags.heartbeat ? flags.heartbeatInterval : 0),
    failures: failuresOf(flags),
  });
  return statusOf(await agent.serve());
}

/** Speaks the agent protocol on stdin and stdout for a command that knows nothing of it. */
export async function execAgent(
  _context: Context,
  command: readonly string[],
  flags: { readonly type?: string; readonly completed?: string },
): Promise<number> {
  const agent = createExecAgent(command, {
    ...given("type", flags.type),
    ...given("completed", flags.completed),
  });
  return statusOf(await agent.serve());
}

/** `*` for a flag without a name: any event. */
const named = (event: string | true | undefined): string | undefined => (event === true ? "*" : event);

function failuresOf(flags: MockAgentFlags): MockFailures {
  return {
    ...given("crashBefore", named(flags.crashBefore)),
    ...given("crashAfter", named(flags.crashAfter)),
    ...given("exitCode", flags.exitCode),
    ...given("hang", flags.hang),
    ...given("garbage", flags.garbage),
    ...given("oversizedBytes", flags.oversized),
    ...given("duplicate", flags.duplicate),
    ...given("wrongCorrelation", flags.wrongCorrelation),
    ...given("attempts", flags.attempts),
  };
}

/** An option that is there only when it was given. */
function given<Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): { readonly [name in Name]?: Value } {
  return (value === undefined ? {} : { [name]: value }) as { readonly [name in Name]?: Value };
}

function statusOf({ reason }: ServeResult): number {
  return reason === "signal" ? EXIT.interrupted : EXIT.done;
}
