import { checksumBytes } from "@holdfast/checksum";
import type { Artifact } from "@holdfast/ledger";
import type { Receipt } from "../src/index.ts";

export function receipt(step: number, change: Partial<Receipt> = {}): Receipt {
  return {
    schema: "holdfast/receipt/v1",
    task_id: "T-0042",
    step,
    action: "implement",
    idempotency_key: `ik:${"0".repeat(64)}`,
    snapshot_id: "snap-0123456789ab",
    command_message_id: `cmd-${step}`,
    correlation_id: `corr-${step}`,
    artifacts: [],
    events: [`evt-${step}`],
    created_at: "2026-01-02T03:04:05.123456Z",
    ...change,
  };
}

export function artifact(path: string, content: string): Artifact {
  return { path, sha256: checksumBytes(content), size: Buffer.byteLength(content) };
}
