import type { LogMessage, Message } from "@holdfast/ledger";
import { type ProcessIdentity, processIdentitySchema } from "./process-identity.ts";

/** The ledger line that says which process an agent is: a resume ends it from this when it was left behind. */
export function agentStartedLog(
  agent: string,
  identity: ProcessIdentity | undefined,
  restart: number,
  timestamp: string,
): LogMessage {
  return {
    kind: "log",
    level: "info",
    message: restart === 0 ? `Started agent "${agent}"` : `Restarted agent "${agent}" (${restart})`,
    fields: { agent, restart, ...(identity === undefined ? {} : { agent_process: { ...identity } }) },
    timestamp,
  };
}

/** The process that a ledger line says was started, if it is such a line. */
export function startedProcess(message: Message): ProcessIdentity | undefined {
  if (message.kind !== "log") return undefined;
  // Of nearly every line: a check that fails costs more than all else that is done with a line.
  const identity = message.fields?.["agent_process"];
  if (identity === undefined) return undefined;
  const parsed = processIdentitySchema.safeParse(identity);
  return parsed.success ? parsed.data : undefined;
}
