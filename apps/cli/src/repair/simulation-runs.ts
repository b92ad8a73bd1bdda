import type { FileStore, StoreFinding } from "@holdfast/storage";
import { RunError, runStore } from "@holdfast/task-store";
import { repairLast } from "./last-checkpoint.ts";

/**
 * What is to be mended about simulations that no store knows of: a `last` that is damaged and can be made again.
 *
 * @param runId - Only this run; `undefined` for all.
 * @throws {RunError} `RUN_HELD` when the named run is worked on; others that are worked on are left alone.
 */
export async function repairSimulations(
  store: FileStore,
  runId: string | undefined,
  options: { readonly dryRun: boolean; readonly signal: AbortSignal },
): Promise<StoreFinding[]> {
  const findings: StoreFinding[] = [];
  // A state that cannot be read is told with the files.
  for await (const run of runStore(store).list({ kind: "simulation", onDamaged: () => undefined })) {
    if (runId !== undefined && run.run_id !== runId) continue;
    options.signal.throwIfAborted();
    try {
      const mended = await repairLast(store, run, options);
      if (mended === undefined) continue;
      findings.push({ kind: "damaged-document", severity: "error", ...mended, repaired: true });
    } catch (error) {
      if (runId !== undefined || !(error instanceof RunError && error.code === "RUN_HELD")) throw error;
      const path = store.locate({ document: `runs/${run.run_id}/run` });
      findings.push({
        kind: "unreadable",
        severity: "warning",
        path,
        message: error.message,
        repaired: false,
      });
    }
  }
  return findings;
}
