import { existsSync } from "node:fs";
import type { AgentExit } from "./agent-process.ts";
import type { AgentFailureCode, Outcome } from "./outcome.ts";
import type { Redactor } from "./redactor.ts";

/** Longest time that a command may take unless it says otherwise. */
export const DEFAULT_TIMEOUT_MS = 3_600_000;
/** So many heartbeats may be missed. */
export const MISSED_HEARTBEATS = 3;

/** How a command can end without an answer. */
export type Failed = Extract<Outcome, { kind: "failed" }>;

/** The agent that did not answer, for people. */
export interface FailedAgent {
  readonly name: string;
  readonly cmd: readonly string[];
  /** Seconds. */
  readonly heartbeatIntervalS: number;
  readonly maxRestarts: number;
  readonly workspace: string;
  readonly redactor: Redactor;
}

/** The supervisor gave the agent up. */
export function givenUp(
  { name, heartbeatIntervalS, maxRestarts }: FailedAgent,
  reason: "timeout" | "heartbeat" | "aborted" | "restarts",
  {
    timeoutMs = DEFAULT_TIMEOUT_MS,
    restarts = 0,
  }: { readonly timeoutMs?: number; readonly restarts?: number } = {},
): Failed {
  const agent = `Agent "${name}"`;
  const told: Record<typeof reason, { code: AgentFailureCode; message: string; fatal: boolean }> = {
    timeout: {
      code: "AGENT_TIMEOUT",
      message: `${agent} was ended: no answer within ${timeoutMs / 1_000} s`,
      fatal: false,
    },
    heartbeat: {
      code: "AGENT_HEARTBEAT",
      message: `${agent} was ended: ${MISSED_HEARTBEATS} heartbeats missed, one every ${heartbeatIntervalS} s is due`,
      fatal: false,
    },
    aborted: {
      code: "AGENT_ABORTED",
      message: `${agent} was ended: the run is being stopped`,
      fatal: true,
    },
    restarts: {
      code: "AGENT_RESTARTS_EXCEEDED",
      message: `${agent} is not started again: it ended abnormally ${restarts + 1} times, policy.max_restarts is ${maxRestarts}; see its log`,
      fatal: true,
    },
  };
  return { kind: "failed", reason, ...told[reason] };
}

/** The agent's process ended before it answered. */
export function crashed({ name }: FailedAgent, exit: AgentExit, lastWords: string | undefined): Failed {
  const how = exit.signal === null ? `with status ${exit.code ?? "unknown"}` : `by ${exit.signal}`;
  const said = lastWords === undefined ? "" : `; its last words: ${lastWords}`;
  return {
    kind: "failed",
    reason: "crash",
    code: "AGENT_CRASHED",
    message: `Agent "${name}" ended ${how} before a terminal event${said}`,
    fatal: false,
  };
}

/** The agent's program could not be started. */
export function notStarted(
  { name, cmd, workspace, redactor }: FailedAgent,
  error: NodeJS.ErrnoException,
): Failed {
  const program = redactor.text(cmd[0] ?? "");
  if (!existsSync(workspace)) {
    const message = `Cannot start agent "${name}" in "${workspace}": the workspace does not exist; create it or change workspace`;
    return { kind: "failed", reason: "spawn", code: "AGENT_SPAWN", message, fatal: true };
  }
  const known: Record<string, string> = {
    ENOENT: program.includes("/")
      ? "there is no such program, or the interpreter of its first line is missing"
      : "not found in PATH; install it or write its path in cmd",
    EACCES: "not allowed, or not an executable file; check its mode",
    ENOTDIR: "a part of the path is not a folder",
    E2BIG: "its arguments and environment are too long",
  };
  const { code = "" } = error;
  return {
    kind: "failed",
    reason: "spawn",
    code: "AGENT_SPAWN",
    message: `Cannot start agent "${name}" ("${program}"): ${known[code] ?? redactor.text(error.message)}`,
    fatal: Object.hasOwn(known, code),
  };
}
