import type { Readable, Writable } from "node:stream";
import type { Clock } from "@holdfast/storage";
import type { AgentHandler } from "./agent-context.ts";

/** Where an agent listens and speaks, and what it depends on. */
export interface AgentIo {
  /** Commands. Default `process.stdin`. */
  readonly input?: Readable;
  /** Messages. Default `process.stdout`; nothing else may be written there. */
  readonly output?: Writable;
  /** Folder the agent works in. Default: the current one. */
  readonly workspace?: string;
  /** Milliseconds between heartbeats; 0 sends none. Default 10,000. */
  readonly heartbeatIntervalMs?: number;
  readonly clock?: Clock;
  /** Makes message ids. Default `randomUUID`. */
  readonly newId?: () => string;
}

/** What `serveAgent` serves. */
export interface ServeAgentOptions extends AgentIo {
  /** Role of the agent, its name in the workflow configuration. */
  readonly type: string;
  /** Names this process. Default: the type and the process number. */
  readonly id?: string;
  /** By action. */
  readonly handlers?: Readonly<Record<string, AgentHandler>>;
  /** For every action that `handlers` does not name. */
  readonly handle?: AgentHandler;
}

/** Why an agent ended. */
export interface ServeResult {
  /** `end`: no more commands. `signal`: SIGTERM or SIGINT. `closed`: its orchestrator is gone. */
  readonly reason: "end" | "signal" | "closed";
}
