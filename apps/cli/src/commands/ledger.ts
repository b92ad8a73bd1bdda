import { type LedgerRecord, type Message, readLedger, TERMINAL_EVENTS } from "@holdfast/ledger";
import type { RunState } from "@holdfast/task-store";
import { configOfRun, flowEvents, flowOf } from "@holdfast/workflow";
import type { Context } from "../context.ts";
import { printable } from "../table.ts";
import { keepYoungGenerationSmall } from "../young-generation.ts";
import { requireRun } from "./runs.ts";

/** The messages of a run, in order, or those that a filter keeps. */
export async function ledger(
  context: Context,
  runId: string,
  options: { readonly pending?: boolean; readonly terminal?: boolean; readonly kind?: string },
): Promise<undefined> {
  keepYoungGenerationSmall();
  const store = context.store();
  const declared = declaredEvents(await requireRun(store, runId));
  const reader = readLedger(store, runId, { terminalEvents: declared });
  const keep = (message: Message): boolean =>
    (options.kind === undefined || message.kind === options.kind) &&
    (options.terminal !== true ||
      (message.kind === "event" &&
        (TERMINAL_EVENTS.includes(message.event) || declared.includes(message.event))));
  const records =
    options.pending === true
      ? (await reader.summarize()).pending.map(({ command }) => command)
      : reader.replay();
  for await (const record of records) {
    if (!keep(record.message)) continue;
    if (!(await context.item(documentOf(record), textOf(record)))) break;
  }
  return undefined;
}

/** Events that the run's own flow declares as terminal. */
function declaredEvents(state: RunState): readonly string[] {
  return state.kind === "workflow" ? [...flowEvents(flowOf(configOfRun(state)))] : [];
}

/** A record as it stands in the file: the message with the ledger's own fields. */
function documentOf(record: LedgerRecord): Record<string, unknown> {
  const { message, seq, fence, chain } = record;
  const agentSeq = message.kind === "heartbeat" ? { agent_seq: message.seq } : {};
  return {
    ...message,
    ...agentSeq,
    seq,
    ...(fence === undefined ? {} : { fence }),
    ...(chain === undefined ? {} : { chain }),
  };
}

function textOf({ seq, message }: LedgerRecord): string {
  return `${String(seq).padStart(6)}  ${message.kind.padEnd(9)}  ${printable(wordsOf(message))}`;
}

function wordsOf(message: Message): string {
  switch (message.kind) {
    case "command":
      return `${message.action} -> ${message.to.agent_type}  attempt ${message.retry.attempt + 1} of ${message.retry.max_attempts}  correlation ${message.correlation_id}  ${message.idempotency_key.slice(0, 19)}…`;
    case "event": {
      const artifacts =
        message.artifacts === undefined || message.artifacts.length === 0
          ? ""
          : `  ${message.artifacts.map((artifact) => artifact.path).join(", ")}`;
      return `${message.event}${message.status === undefined ? "" : ` (${message.status})`} <- ${message.from.agent_type}  ${message.occurred_at}${artifacts}`;
    }
    case "heartbeat":
      return `${message.agent.agent_type} ${message.status}  pid ${message.pid}  up ${message.uptime_s} s`;
    case "log":
      return `${message.level}: ${message.message}`;
  }
}
