import { listReceipts } from "@holdfast/task-store";
import type { Context } from "../context.ts";
import { formatBytes, printable } from "../table.ts";
import { requireRun } from "./runs.ts";

/** The receipts of a run, in the order of its steps. */
export async function receipts(
  context: Context,
  runId: string,
  options: { readonly task?: string },
): Promise<undefined> {
  const store = context.store();
  await requireRun(store, runId);
  const found = await listReceipts(store, runId, options.task === undefined ? {} : { taskId: options.task });
  for (const receipt of found) {
    const artifacts = receipt.artifacts.map(
      (artifact) =>
        `\n    ${printable(artifact.path)}  ${artifact.sha256.slice(0, 19)}…  ${formatBytes(artifact.size)}`,
    );
    const text = `${receipt.task_id} step ${receipt.step}  ${printable(receipt.action)}  ${receipt.created_at}\n    key ${receipt.idempotency_key}${artifacts.join("")}`;
    if (!(await context.item(receipt, text))) break;
  }
  if (found.length === 0) await context.note(`${runId} has no receipts yet`);
  return undefined;
}
