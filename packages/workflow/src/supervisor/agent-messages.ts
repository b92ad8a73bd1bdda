import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import {
  type Command,
  decodeMessage,
  encodeMessage,
  LedgerError,
  type LedgerEvent,
  type LogMessage,
  type Message,
} from "@holdfast/ledger";
import { formatTimestamp } from "@holdfast/storage";
import type { OutputLine } from "./output-splitter.ts";
import type { Redactor } from "./redactor.ts";

const EXCERPT_LENGTH = 300;
const OPENING_BRACE = 0x7b;
const SPACE = 0x20;
const TAB = 0x09;
const REMEMBERED_MESSAGES = 10_000;

/** What a line of an agent means while a command is open. */
type AgentLine =
  /** To be recorded; a sign of life. */
  | { readonly kind: "message"; readonly message: Message }
  /** Ends the open command. */
  | { readonly kind: "terminal"; readonly message: LedgerEvent }
  /** To be recorded as a remark, and to change nothing. Making it costs more than reading a line, so it is made when it is wanted. */
  | { readonly kind: "remark"; readonly remark: () => LogMessage; readonly isMessage: boolean };

/** What is needed to judge lines. */
export interface AgentMessagesOptions {
  readonly agent: string;
  readonly messageMaxBytes: number;
  readonly terminalEvents: ReadonlySet<string>;
  readonly redactor: Redactor;
  readonly clock: () => bigint;
}

/** Reads what one agent says over its processes' lives, and remembers what it said. */
export interface AgentMessages {
  /** The command that events may answer from now on. */
  open(command: Command): void;
  /** Ends the open command: what comes for it from now on is late. */
  settle(): void;
  /** Judges a line of the process with this number. */
  read(line: OutputLine, pid: number): AgentLine;
}

/**
 * Makes a reader of an agent's lines.
 *
 * Whatever an agent writes is kept, in a form that cannot be taken for something else: a line that is no message, an event for no
 * open command, a repetition and an event after the end become `log` lines, and an agent's own `log` fields are kept under `data`.
 */
export function createAgentMessages(options: AgentMessagesOptions): AgentMessages {
  const { agent, messageMaxBytes, terminalEvents, redactor, clock } = options;
  const known = new Set<string>();
  const seen = new Map<string, { digest: string; pid: number }>();
  let command: Command | undefined;
  let settled = false;

  const remark = (
    level: LogMessage["level"],
    message: string,
    fields: () => Record<string, unknown>,
    isMessage: boolean,
  ): AgentLine => ({
    kind: "remark",
    isMessage,
    remark: () => ({
      kind: "log",
      level,
      message: redactor.clip(message, EXCERPT_LENGTH * 2).toWellFormed(),
      fields: redactor.value({ agent, ...fields() }),
      timestamp: formatTimestamp(clock()),
    }),
  });
  const unreadable = (reason: string, text: string): AgentLine =>
    remark(
      "error",
      `Agent "${agent}" wrote a line that is not a message: ${reason}`,
      () => ({
        problem: "malformed",
        bytes: Buffer.byteLength(text),
        excerpt: redactor.clip(text, EXCERPT_LENGTH).toWellFormed(),
      }),
      false,
    );
  const isRepetition = (event: LedgerEvent, pid: number): boolean => {
    const key = `${event.correlation_id}\n${event.message_id}`;
    const digest = createHash("sha256")
      .update(JSON.stringify([event.event, event.status, event.payload, event.artifacts]))
      .digest("base64");
    const before = seen.get(key);
    // A program that counts its messages from 1 begins again when it is restarted: only the same content is the same message, and
    // the end of a command that is tried again must count again.
    const repeated =
      before?.digest === digest && (before.pid === pid || !terminalEvents.has(event.event) || settled);
    seen.delete(key);
    seen.set(key, { digest, pid });
    const oldest = seen.size > REMEMBERED_MESSAGES ? seen.keys().next() : undefined;
    if (oldest?.value !== undefined) seen.delete(oldest.value);
    return repeated;
  };
  const readEvent = (event: LedgerEvent, pid: number): AgentLine => {
    const open = command?.correlation_id === event.correlation_id ? command : undefined;
    if (open === undefined && !known.has(event.correlation_id)) {
      const text = `Agent "${agent}" sent event "${event.event}" for a command it was not given: its correlation id is "${event.correlation_id}"`;
      const fields = () => ({
        problem: "wrong_correlation",
        ...about(event),
        expected_correlation_id: command?.correlation_id ?? null,
      });
      return remark("error", text, fields, true);
    }
    if (open !== undefined && open.task_id !== event.task_id) {
      const text = `Agent "${agent}" sent event "${event.event}" for task "${event.task_id}": the command is of task "${open.task_id}"`;
      const fields = () => ({ problem: "wrong_task", ...about(event), expected_task_id: open.task_id });
      return remark("error", text, fields, true);
    }
    if (isRepetition(event, pid)) {
      const text = `Agent "${agent}" repeated message "${event.message_id}" (${event.event}): recorded once`;
      return remark("warn", text, () => ({ problem: "duplicate", ...about(event) }), true);
    }
    if (open === undefined || settled) {
      const text = `Agent "${agent}" sent event "${event.event}" after the end of its command: it changes nothing`;
      return remark("warn", text, () => ({ problem: "late", ...about(event) }), true);
    }
    const message = redactor.message(event);
    encodeMessage(message, { maxBytes: messageMaxBytes });
    if (!terminalEvents.has(event.event)) return { kind: "message", message };
    settled = true;
    return { kind: "terminal", message };
  };

  return {
    open(next) {
      command = next;
      settled = false;
      known.add(next.correlation_id);
    },
    settle() {
      settled = true;
    },
    read(line, pid) {
      if ("oversizedBytes" in line) {
        const text = `Agent "${agent}" wrote a line of ${line.oversizedBytes} bytes: ${messageMaxBytes} at most; it was skipped`;
        const fields = () => ({
          problem: "oversized",
          bytes: line.oversizedBytes,
          max_bytes: messageMaxBytes,
        });
        return remark("error", text, fields, false);
      }
      const text = line.bytes.toString("utf8");
      // Told from a message by its first byte, a flood of other output costs little.
      if (line.bytes.find((byte) => byte !== SPACE && byte !== TAB) !== OPENING_BRACE)
        return unreadable("it is not a JSON object", text);
      try {
        if (!isUtf8(line.bytes)) return unreadable("it is not UTF-8", text);
        const message = decodeMessage(text, { maxBytes: messageMaxBytes });
        if (message.kind === "event") return readEvent(message, pid);
        if (message.kind === "command") return unreadable("agents do not send commands", text);
        const redacted = redactor.message(message.kind === "log" ? ownLog(message, agent) : message);
        encodeMessage(redacted, { maxBytes: messageMaxBytes });
        return { kind: "message", message: redacted };
      } catch (error) {
        // LedgerError: not a message. RangeError: nested deeper than a program can follow.
        if (error instanceof LedgerError || error instanceof RangeError)
          return unreadable(reasonOf(error), text);
        throw error;
      }
    },
  };
}

function reasonOf(error: Error): string {
  // The parser's message quotes the text and may cut a secret in the middle, where it is not recognised any more.
  return error.cause instanceof SyntaxError ? "it is not JSON" : error.message;
}

/** An agent's log line: its fields under `data`, so that they are never taken for the orchestrator's own. */
function ownLog(message: LogMessage, agent: string): LogMessage {
  const { kind, level, message: text, fields, timestamp } = message;
  return {
    kind,
    level,
    message: text,
    fields: fields === undefined ? { agent } : { agent, data: fields },
    timestamp,
  };
}

function about(event: LedgerEvent): Record<string, unknown> {
  return {
    message_id: clipId(event.message_id),
    correlation_id: clipId(event.correlation_id),
    task_id: clipId(event.task_id),
    event: clipId(event.event),
  };
}

function clipId(id: string): string {
  return id.length > 256 ? id.slice(0, 256).toWellFormed() : id;
}
