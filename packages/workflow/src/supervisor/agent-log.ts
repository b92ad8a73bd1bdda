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
  const parsed = processIdentitySchema.safeParse(message.fields?.["agent_process"]);
  return parsed.success ? parsed.data : undefined;
}
