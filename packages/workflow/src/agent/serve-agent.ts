import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import {
  type Artifact,
  type Command,
  decodeMessage,
  encodeMessage,
  type Heartbeat,
  MAX_MESSAGE_BYTES,
} from "@holdfast/ledger";
import { createOutputSplitter, type OutputLine } from "../supervisor/output-splitter.ts";
import { isRecord, messageOf } from "../unknown-value.ts";
import type { AgentContext, EventDetails } from "./agent-context.ts";
import { AgentFailure, failurePayload } from "./agent-failure.ts";
import type { AgentIo, ServeAgentOptions, ServeResult } from "./agent-io.ts";
import { AgentVoice } from "./agent-voice.ts";
import { describeArtifact } from "./artifact.ts";
import { createLineWriter } from "./message-writer.ts";

const DEFAULT_HEARTBEAT_MS = 10_000;
const QUEUE_LENGTH = 64;
const QUEUE_POLL_MS = 10;
const ORPHAN_POLL_MS = 250;
const HANDLER_GRACE_MS = 2_000;

/**
 * Serves commands from stdin, one after the other, until the input ends.
 *
 * Commands that were received before the end of input are still done, unless the process that started this one is gone or reads no
 * more: then, and on SIGTERM, the handler's `signal` is aborted and nothing more is sent, so that half-done work is never
 * answered. A command that cannot be read is answered with an `error` event when it says which one it is.
 *
 * @returns Why it ended, when the handler that was running has returned. The caller ends the process.
 */
export function serveAgent(options: ServeAgentOptions): Promise<ServeResult> {
  const { handlers = {}, handle } = options;
  return serveWire(options, async (context) => {
    const handler = Object.hasOwn(handlers, context.action) ? handlers[context.action] : handle;
    if (handler === undefined)
      throw new AgentFailure("UNKNOWN_ACTION", `No handler for action "${context.action}"`);
    await handler(context);
  });
}

/** The pipe below the protocol, for an agent that breaks the protocol on purpose. */
export interface Wire {
  /** Writes a line, whatever it holds. */
  write(line: string): Promise<void>;
  /** An event as a line, with another message or correlation id than its own where one is given. */
  eventLine(
    event: string,
    details: EventDetails,
    ids?: { readonly messageId?: string; readonly correlationId?: string },
  ): string;
  newId(): string;
  /** No terminal event is missed when the handler returns. */
  leaveOpen(): void;
  stopHeartbeats(): void;
}

/** Does one command with the pipe at hand. */
export type WireHandler = (context: AgentContext, wire: Wire) => Promise<void>;

/** Serves commands by one handler that may write to the pipe itself. */
export function serveWire(
  options: AgentIo & Pick<ServeAgentOptions, "type" | "id">,
  handler: WireHandler,
): Promise<ServeResult> {
  return new Server(options, handler).serve();
}

class Server {
  readonly #options: AgentIo & Pick<ServeAgentOptions, "type" | "id">;
  readonly #handler: WireHandler;
  readonly #input: Readable;
  readonly #workspace: string;
  readonly #abort = new AbortController();
  readonly #writer: ReturnType<typeof createLineWriter>;
  readonly #voice: AgentVoice;
  readonly #queue: (() => Promise<void>)[] = [];
  #reason: ServeResult["reason"] = "end";
  #busyWith: Command | undefined;
  #inputEnded = false;
  #wake: (() => void) | undefined;

  constructor(options: AgentIo & Pick<ServeAgentOptions, "type" | "id">, handler: WireHandler) {
    this.#options = options;
    this.#handler = handler;
    this.#input = options.input ?? process.stdin;
    this.#workspace = options.workspace ?? process.cwd();
    this.#writer = createLineWriter(options.output ?? process.stdout, () => this.#end("closed"));
    const { type, id = `${type}-${process.pid}` } = options;
    this.#voice = new AgentVoice({ type, id, writer: this.#writer, signal: this.#abort.signal }, options);
  }

  async serve(): Promise<ServeResult> {
    const onSignal = (): void => this.#end("signal");
    process.on("SIGTERM", onSignal);
    process.on("SIGINT", onSignal);
    const parent = process.ppid;
    const orphanCheck = setInterval(() => {
      if (this.#inputEnded && process.ppid !== parent) this.#end("closed");
    }, ORPHAN_POLL_MS);
    const intervalMs = this.#options.heartbeatIntervalMs ?? DEFAULT_HEARTBEAT_MS;
    const heartbeat = intervalMs > 0 ? setInterval(() => void this.#sendHeartbeat(), intervalMs) : undefined;
    const beat = async (status: Heartbeat["status"]): Promise<void> => {
      if (heartbeat !== undefined) await this.#sendHeartbeat(status);
    };
    this.#read().catch(() => this.#end("closed"));
    const served = new AbortController();
    const givenUp = this.#givenUp(served.signal);
    try {
      await beat("ready");
      while (!this.#abort.signal.aborted) {
        const work = this.#queue.shift();
        if (work !== undefined) {
          this.#wake?.();
          await Promise.race([work(), givenUp]);
        } else if (this.#inputEnded) break;
        else await this.#woken();
      }
      if (!this.#inputEnded) await beat("stopping");
    } finally {
      served.abort();
      clearInterval(heartbeat);
      clearInterval(orphanCheck);
      process.off("SIGTERM", onSignal);
      process.off("SIGINT", onSignal);
      this.#input.destroy();
    }
    return { reason: this.#reason };
  }

  #end(reason: ServeResult["reason"]): void {
    if (this.#abort.signal.aborted) return;
    this.#reason = reason;
    this.#abort.abort();
    this.#wake?.();
  }

  async #woken(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = undefined;
  }

  /** Resolves when a handler had time enough to end after the signal. */
  async #givenUp(served: AbortSignal): Promise<void> {
    const { signal } = this.#abort;
    if (!signal.aborted)
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    // A timer that is left would keep the process alive.
    await delay(HANDLER_GRACE_MS, undefined, { signal: served }).catch(() => {});
  }

  async #read(): Promise<void> {
    const splitter = createOutputSplitter(MAX_MESSAGE_BYTES);
    const push = (line: OutputLine | undefined): void => {
      if (line === undefined || ("bytes" in line && line.bytes.length === 0)) return;
      this.#queue.push(() => this.#serveLine(line));
      this.#wake?.();
    };
    for await (const chunk of this.#input) {
      for (const line of splitter.push(Buffer.from(chunk as Uint8Array))) push(line);
      while (this.#queue.length > QUEUE_LENGTH && !this.#abort.signal.aborted) await delay(QUEUE_POLL_MS);
    }
    push(splitter.end());
    this.#inputEnded = true;
    this.#wake?.();
  }

  async #serveLine(line: OutputLine): Promise<void> {
    if ("oversizedBytes" in line) {
      await this.#voice.log(
        "error",
        `A command of ${line.oversizedBytes} bytes was skipped: ${MAX_MESSAGE_BYTES} at most`,
      );
      return;
    }
    const text = line.bytes.toString("utf8");
    let command: Command;
    try {
      const message = decodeMessage(text);
      if (message.kind !== "command") throw new TypeError(`"${message.kind}" is not a command`);
      command = message;
    } catch (error) {
      await this.#refuse(text, error);
      return;
    }
    this.#busyWith = command;
    this.#voice.noteActivity();
    if ((this.#options.heartbeatIntervalMs ?? DEFAULT_HEARTBEAT_MS) > 0) await this.#sendHeartbeat();
    try {
      await this.#answer(command);
    } finally {
      this.#busyWith = undefined;
      this.#voice.noteActivity();
    }
  }

  async #answer(command: Command): Promise<void> {
    const made: Artifact[] = [];
    let completed = false;
    const complete = async (event: string, details: EventDetails = {}): Promise<void> => {
      if (completed) throw new TypeError(`Command "${command.message_id}" is completed already`);
      completed = true;
      try {
        await this.#voice.sendEvent(command, event, {
          ...(made.length > 0 ? { artifacts: made } : {}),
          ...details,
        });
      } catch (error) {
        // It could not be written as a message: nothing was sent.
        completed = false;
        throw error;
      }
    };
    const context: AgentContext = {
      command,
      action: command.action,
      inputs: command.inputs,
      workspace: this.#workspace,
      signal: this.#abort.signal,
      progress: (payload) =>
        this.#voice.sendEvent(
          command,
          `${this.#options.type}.progress`,
          payload === undefined ? {} : { payload },
        ),
      event: (event, details = {}) => this.#voice.sendEvent(command, event, details),
      artifact: async (path) => {
        const artifact = await describeArtifact(this.#workspace, path);
        made.push(artifact);
        return artifact;
      },
      complete,
      log: (level, message, fields) => this.#voice.log(level, message, fields),
    };
    const wire: Wire = {
      write: (line) => this.#writer.write(line),
      eventLine: (event, details, ids = {}) =>
        encodeMessage({
          ...this.#voice.event(
            { ...command, correlation_id: ids.correlationId ?? command.correlation_id },
            event,
            details,
          ),
          message_id: ids.messageId ?? this.#voice.newId(),
        }),
      newId: () => this.#voice.newId(),
      leaveOpen: () => {
        completed = true;
      },
      stopHeartbeats: () => {
        this.#voice.stopHeartbeats();
      },
    };
    try {
      await this.#handler(context, wire);
      if (!completed) throw new AgentFailure("NOT_COMPLETED", "The handler ended without complete()");
    } catch (error) {
      if (completed) await this.#voice.log("error", `After the end of its command: ${messageOf(error)}`);
      else await complete("error", { status: "failed", payload: failurePayload(error) }).catch(() => {});
    }
  }

  async #refuse(text: string, error: unknown): Promise<void> {
    await this.#voice.log("error", `A line that is not a command was skipped: ${messageOf(error)}`);
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return;
    }
    if (!isRecord(value)) return;
    const { correlation_id, task_id } = value;
    if (typeof correlation_id !== "string" || typeof task_id !== "string") return;
    const payload = { code: "INVALID_COMMAND", message: messageOf(error) };
    await this.#voice
      .sendEvent({ correlation_id, task_id }, "error", { status: "failed", payload })
      .catch(() => {});
  }

  async #sendHeartbeat(status?: Heartbeat["status"]): Promise<void> {
    await this.#voice.sendHeartbeat(this.#busyWith, status);
  }
}
