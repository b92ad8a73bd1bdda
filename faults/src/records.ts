import type { LogMessage } from "@holdfast/ledger";
import type { Receipt } from "@holdfast/task-store";

/** The run that features write. */
export const RUN = "run-20260102-030405-89abcdef";
const TIME = "2026-01-02T03:04:05.123456Z";

/** A message of a ledger. */
export function message(text: string): LogMessage {
  return { kind: "log", level: "info", message: text, timestamp: TIME };
}

/** The receipt of a step. */
export function receipt(step: number): Receipt {
  return {
    schema: "holdfast/receipt/v1",
    task_id: "T-1",
    step,
    action: "implement",
    idempotency_key: `ik:${String(step).padStart(64, "0")}`,
    snapshot_id: "snap-0123456789ab",
    command_message_id: `c${step}`,
    correlation_id: `r${step}`,
    artifacts: [],
    events: [`e${step}`],
    created_at: TIME,
  };
}
