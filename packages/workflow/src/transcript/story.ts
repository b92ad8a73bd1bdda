import type { Command, LedgerEvent, LogMessage } from "@holdfast/ledger";
import { ORCHESTRATOR, type ProgressRecord, type RunProgress } from "../flow/progress.ts";

const MAX_QUOTE = 160;

/** Text of somebody else, on one line and not too long. */
function quote(text: unknown): string {
  if (typeof text !== "string" || text === "") return "";
  const line = text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, " ").trim();
  return line.length > MAX_QUOTE ? `${line.slice(0, MAX_QUOTE - 3).toWellFormed()}...` : line;
}

const clockTime = (timestamp: string): string => timestamp.replace("T", " ").slice(0, 19);

function tellCommand(command: Command, progress: RunProgress): string {
  const step = progress.current;
  if (step === undefined) return "";
  const again = step.lines > 1 ? (step.attempt > 0 ? "again, " : "again after an interruption, ") : "";
  const round = step.round > 1 ? `, round ${step.round}` : "";
  const attempt = `attempt ${step.attempt + 1} of ${step.maxAttempts}`;
  const agent = quote(command.to.agent_type);
  const work = `${again}${attempt}, workspace ${step.snapshotId}, key ${step.key.slice(0, 15)}...`;
  return `Step ${step.step}, ${step.stage}${round}: ${agent} is asked to ${quote(command.action)} (${work})`;
}

function tellEvent(event: LedgerEvent, progress: RunProgress): string {
  const step = progress.steps.findLast((one) => one.correlationId === event.correlation_id);
  const place = step === undefined ? "" : `Step ${step.step}: `;
  const status = event.status === undefined ? "" : ` (${quote(event.status)})`;
  const files = (event.artifacts ?? []).map((artifact) => `${quote(artifact.path)} (${artifact.size} bytes)`);
  const made =
    files.length === 0 ? "" : `; files: ${files.slice(0, 5).join(", ")}${files.length > 5 ? ", ..." : ""}`;
  const said = quote(event.payload["message"] ?? event.payload["summary"]);
  const words = said === "" ? "" : `: ${said}`;
  if (event.event === "error") {
    const code = quote(event.payload["code"]);
    const who =
      event.from.agent_type === ORCHESTRATOR ? "failed" : `${quote(event.from.agent_type)} reports an error`;
    return `${place}${who}${code === "" ? status : ` with ${code}`}${words}`;
  }
  const verb = progress.terminalEvents.has(event.event) ? "ends with" : "says";
  return `${place}${quote(event.from.agent_type)} ${verb} ${quote(event.event)}${status}${words}${made}`;
}

function tellLog(log: LogMessage): string | undefined {
  const own = log.fields?.["by"] === ORCHESTRATOR;
  if (!own && log.level === "info" && log.fields?.["agent"] === undefined) return undefined;
  const level = log.level === "info" ? "" : `${log.level}: `;
  return `${level}${quote(log.message)}`;
}

/**
 * The line of the readable story for a line of the ledger, which must have been applied to `progress` already.
 *
 * @param sentAt - When a command was written, which it does not say itself.
 * @returns One line that starts with the ledger line's number; `undefined` for what is no part of the story (heartbeats, small talk).
 */
export function tellRecord(
  record: ProgressRecord,
  progress: RunProgress,
  sentAt: (command: Command) => string,
): string | undefined {
  const { message, seq } = record;
  let text: string | undefined;
  let time = "";
  if (message.kind === "command") {
    text = tellCommand(message, progress);
    time = clockTime(sentAt(message));
  } else if (message.kind === "event") {
    text = tellEvent(message, progress);
    time = clockTime(message.occurred_at);
  } else if (message.kind === "log") {
    text = tellLog(message);
    time = clockTime(message.timestamp);
  }
  if (text === undefined || text === "") return undefined;
  return `${String(seq).padStart(6)}  ${time.padEnd(19)}  ${text}`;
}
