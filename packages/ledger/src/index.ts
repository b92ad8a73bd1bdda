export { chainAfter, GENESIS_CHAIN } from "./chain.ts";
export type { ChainFindingKind } from "./chain-check.ts";
export { decodeMessage } from "./decode-message.ts";
export { encodeMessage, type MessageOptions } from "./encode-message.ts";
export { LedgerError, type LedgerErrorCode } from "./errors.ts";
export type { Ledger, OpenLedgerOptions } from "./ledger.ts";
export { MAX_MESSAGE_BYTES } from "./limits.ts";
export {
  type Agent,
  type Artifact,
  agentSchema,
  artifactSchema,
  type Command,
  commandSchema,
  type ExpectedOutput,
  eventSchema,
  expectedOutputSchema,
  type Heartbeat,
  heartbeatSchema,
  type LedgerEvent,
  type LogMessage,
  logSchema,
  type Message,
  type MessageInput,
  messageSchema,
  snapshotIdSchema,
  type Version,
  versionSchema,
} from "./message.ts";
export { openLedger } from "./open-ledger.ts";
export { type LedgerReader, type ReadLedgerOptions, readLedger } from "./read-ledger.ts";
export type { LedgerRecord } from "./record.ts";
export type { ReplayOptions } from "./replay.ts";
export type {
  LastMessage,
  LedgerSummary,
  PendingCommand,
  Settlement,
  SummarizeOptions,
} from "./summarize.ts";
export { TERMINAL_EVENTS } from "./terminal-events.ts";
export type { ChainFinding, ChainReport, VerifyChainOptions } from "./verify-chain.ts";
