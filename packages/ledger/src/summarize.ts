import type { Command, LedgerEvent, Message } from "./message.ts";
import type { LedgerRecord } from "./record.ts";

/** A command, by its correlation id, that no terminal event follows. */
export interface PendingCommand {
  readonly correlationId: string;
  /** The last command line with this correlation id. */
  readonly command: LedgerRecord<Command>;
  /** Place of the first command line since it was last settled. */
  readonly firstSeq: number;
  /** How many command lines there are since it was last settled: more than one after a retry or a resume. */
  readonly lines: number;
}

/** The last thing an agent said, and no more of it than a status line needs. */
export interface LastMessage {
  readonly agentType: string;
  readonly agentId: string | undefined;
  readonly seq: number;
  readonly kind: "event" | "heartbeat";
  /** RFC 3339. */
  readonly at: string;
  readonly messageId: string | undefined;
  readonly event: string | undefined;
  readonly status: string | undefined;
}

/** What {@link SummarizeOptions.onTerminal} is told. */
export interface Settlement {
  readonly correlationId: string;
  readonly event: LedgerRecord<LedgerEvent>;
  /** The last command it settles; `undefined` when none is open: a repeated terminal event, or one of no command. */
  readonly command: LedgerRecord<Command> | undefined;
}

/** Options of `summarize`. */
export interface SummarizeOptions {
  readonly signal?: AbortSignal;
  /**
   * Told of every terminal event as it goes by. Where several have one correlation id, the last one counts. A summary itself
   * does not keep what is settled, so that its memory is bounded by what is open.
   */
  readonly onTerminal?: (settlement: Settlement) => void;
}

/** What a ledger says, in a few words. */
export interface LedgerSummary {
  readonly lines: number;
  readonly counts: Readonly<Record<Message["kind"], number>>;
  /** Whether there is a line that carries no chain: such a ledger, or its beginning, was written elsewhere. */
  readonly unchained: boolean;
  /** Commands without a terminal event after them, by place of their first line. */
  readonly pending: readonly PendingCommand[];
  /** How many times a terminal event settled what was open. */
  readonly settled: number;
  /** Terminal events that found nothing open. */
  readonly unmatched: number;
  /** How many terminal events there are, by name. */
  readonly terminalCounts: Readonly<Record<string, number>>;
  /** Message id of the last terminal event of each agent type, as in a run state. */
  readonly terminalEvents: Readonly<Record<string, string>>;
  readonly lastCommandId: string | undefined;
  readonly lastEventId: string | undefined;
  /** The last event or heartbeat of each agent (type and id), the one heard last at the end. */
  readonly agents: readonly LastMessage[];
}

/** Folds records into a summary. Memory is bounded by the commands that are open and the agents there are. */
export async function summarizeRecords(
  records: AsyncIterable<LedgerRecord>,
  terminalEvents: ReadonlySet<string>,
  options: SummarizeOptions = {},
): Promise<LedgerSummary> {
  const counts = { command: 0, event: 0, heartbeat: 0, log: 0 };
  const open = new Map<string, PendingCommand>();
  const agents = new Map<string, LastMessage>();
  const terminalCounts = new Map<string, number>();
  const lastTerminal = new Map<string, string>();
  let lines = 0;
  let unchained = false;
  let settled = 0;
  let unmatched = 0;
  let lastCommandId: string | undefined;
  let lastEventId: string | undefined;

  for await (const record of records) {
    const { message } = record;
    lines += 1;
    counts[message.kind] += 1;
    if (record.chain === undefined) unchained = true;
    switch (message.kind) {
      case "command": {
        lastCommandId = message.message_id;
        const known = open.get(message.correlation_id);
        open.set(message.correlation_id, {
          correlationId: message.correlation_id,
          command: { ...record, message },
          firstSeq: known?.firstSeq ?? record.seq,
          lines: (known?.lines ?? 0) + 1,
        });
        break;
      }
      case "event": {
        lastEventId = message.message_id;
        remember(agents, lastEvent(record.seq, message));
        if (!terminalEvents.has(message.event)) break;
        const pending = open.get(message.correlation_id);
        open.delete(message.correlation_id);
        if (pending === undefined) unmatched += 1;
        else settled += 1;
        terminalCounts.set(message.event, (terminalCounts.get(message.event) ?? 0) + 1);
        lastTerminal.set(message.from.agent_type, message.message_id);
        options.onTerminal?.({
          correlationId: message.correlation_id,
          event: { ...record, message },
          command: pending?.command,
        });
        break;
      }
      case "heartbeat":
        remember(agents, {
          agentType: message.agent.agent_type,
          agentId: message.agent.agent_id,
          seq: record.seq,
          kind: "heartbeat",
          at: message.last_activity_at,
          messageId: undefined,
          event: undefined,
          status: message.status,
        });
        break;
      case "log":
        break;
    }
  }
  return {
    lines,
    counts,
    unchained,
    pending: [...open.values()].toSorted((a, b) => a.firstSeq - b.firstSeq),
    settled,
    unmatched,
    terminalCounts: Object.fromEntries(terminalCounts),
    terminalEvents: Object.fromEntries(lastTerminal),
    lastCommandId,
    lastEventId,
    agents: [...agents.values()],
  };
}

function lastEvent(seq: number, message: LedgerEvent): LastMessage {
  return {
    agentType: message.from.agent_type,
    agentId: message.from.agent_id,
    seq,
    kind: "event",
    at: message.occurred_at,
    messageId: message.message_id,
    event: message.event,
    status: message.status,
  };
}

/** Keeps the agents in the order in which they were last heard. */
function remember(agents: Map<string, LastMessage>, last: LastMessage): void {
  const key = JSON.stringify([last.agentType, last.agentId]);
  agents.delete(key);
  agents.set(key, last);
}
