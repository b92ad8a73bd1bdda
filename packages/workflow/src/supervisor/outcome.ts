import type { LedgerEvent } from "@holdfast/ledger";

/** Why an agent did not finish a command. */
export type AgentFailureCode =
  | "AGENT_SPAWN"
  | "AGENT_CRASHED"
  | "AGENT_TIMEOUT"
  | "AGENT_HEARTBEAT"
  | "AGENT_RESTARTS_EXCEEDED"
  | "AGENT_ABORTED";

/**
 * How a command ended: with the terminal event of its agent, or without one.
 *
 * `terminal`: the event (redacted) as it stands in the ledger, durable there. An `error` event is terminal too: whether it is
 * tried again is the caller's decision.
 * `failed`: the agent's process group is gone. `fatal` says that trying again cannot help: the program was not found, its
 * restarts are used up, or the run is being stopped.
 */
export type Outcome =
  | { readonly kind: "terminal"; readonly event: LedgerEvent }
  | {
      readonly kind: "failed";
      readonly reason: "spawn" | "crash" | "timeout" | "heartbeat" | "restarts" | "aborted";
      readonly code: AgentFailureCode;
      readonly message: string;
      readonly fatal: boolean;
    };
