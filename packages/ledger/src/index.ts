export { decodeMessage } from "./decode-message.ts";
export { encodeMessage, type MessageOptions } from "./encode-message.ts";
export { LedgerError, type LedgerErrorCode } from "./errors.ts";
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
export { TERMINAL_EVENTS } from "./terminal-events.ts";
