import { randomUUID } from "node:crypto";
import { type Command, encodeMessage, type Heartbeat, type MessageInput } from "@holdfast/ledger";
import { formatTimestamp, systemClock } from "@holdfast/storage";
import type { EventDetails } from "./agent-context.ts";
import type { AgentIo } from "./agent-io.ts";
import type { LineWriter } from "./message-writer.ts";

/** What an {@link AgentVoice} speaks for. */
export interface AgentVoiceOptions {
  /** Role and id of the agent. */
  readonly type: string;
  readonly id: string;
  readonly writer: LineWriter;
  /** From then on no event is sent: what is half done stays unanswered. */
  readonly signal: AbortSignal;
}

/** What an agent says: events, remarks and heartbeats, each a line. */
export class AgentVoice {
  readonly #options: AgentVoiceOptions;
  readonly #clock: NonNullable<AgentIo["clock"]>;
  readonly #newId: NonNullable<AgentIo["newId"]>;
  readonly #startedAt = performance.now();
  #beat = 0;
  #silent = false;
  #activityAt: string;

  constructor(options: AgentVoiceOptions, { clock = systemClock, newId = randomUUID }: AgentIo) {
    this.#options = options;
    this.#clock = clock;
    this.#newId = newId;
    this.#activityAt = this.#now();
  }

  newId(): string {
    return this.#newId();
  }

  /** Takes note that the agent did something, for its heartbeats. */
  noteActivity(): void {
    this.#activityAt = this.#now();
  }

  /** Sends no heartbeat any more. */
  stopHeartbeats(): void {
    this.#silent = true;
  }

  /** An event as it would be sent. */
  event(
    command: Pick<Command, "correlation_id" | "task_id">,
    event: string,
    details: EventDetails,
  ): Extract<MessageInput, { kind: "event" }> {
    const { type, id } = this.#options;
    this.noteActivity();
    return {
      kind: "event",
      message_id: this.#newId(),
      correlation_id: command.correlation_id,
      task_id: command.task_id,
      from: { agent_type: type, agent_id: id },
      event,
      ...(details.status === undefined ? {} : { status: details.status }),
      payload: { ...details.payload },
      ...(details.artifacts === undefined ? {} : { artifacts: [...details.artifacts] }),
      occurred_at: this.#now(),
    };
  }

  async sendEvent(
    command: Pick<Command, "correlation_id" | "task_id">,
    event: string,
    details: EventDetails,
  ): Promise<void> {
    await this.#send(this.event(command, event, details));
  }

  /** @param command - What the agent is busy with, if it is. */
  async sendHeartbeat(command: Command | undefined, status?: Heartbeat["status"]): Promise<void> {
    if (this.#silent) return;
    const { type, id } = this.#options;
    this.#beat += 1;
    await this.#send({
      kind: "heartbeat",
      agent: { agent_type: type, agent_id: id },
      seq: this.#beat,
      status: status ?? (command === undefined ? "ready" : "busy"),
      pid: process.pid,
      ppid: process.ppid,
      uptime_s: Math.round(performance.now() - this.#startedAt) / 1_000,
      last_activity_at: this.#activityAt,
      stats: { rss_bytes: process.memoryUsage.rss() },
      ...(command === undefined ? {} : { task_id: command.task_id }),
    });
  }

  async log(
    level: "info" | "warn" | "error",
    message: string,
    fields?: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    await this.#send({
      kind: "log",
      level,
      message: message.slice(0, 4_096).toWellFormed(),
      ...(fields === undefined ? {} : { fields: { ...fields } }),
      timestamp: this.#now(),
    });
  }

  async #send(message: MessageInput): Promise<void> {
    const text = encodeMessage(message);
    if (this.#options.signal.aborted && message.kind === "event") return;
    await this.#options.writer.write(text);
  }

  #now(): string {
    return formatTimestamp(this.#clock());
  }
}
