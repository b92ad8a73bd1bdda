import { resolve } from "node:path";
import type { FileStore } from "@holdfast/storage";
import { runStore } from "@holdfast/task-store";
import { configOfRun, verifyRun } from "@holdfast/workflow";
import { type Finding, unreadable } from "./finding.ts";

/** What stands against a workflow run: its ledger, its receipts, its state. */
export async function workflowFindings(
  store: FileStore,
  runId: string,
  workspace: string | undefined,
  signal: AbortSignal,
): Promise<Finding[]> {
  try {
    const found = await verifyRun(store, runId, {
      signal,
      ...(workspace === undefined ? {} : { workspace: resolve(workspace) }),
    });
    return found.map((finding) => ({ ...finding, run_id: runId }));
  } catch (error) {
    signal.throwIfAborted();
    return [unreadable(store.locate({ document: `runs/${runId}/run` }), error, runId)];
  }
}

/** The folders that receipts were compared with: a copied store still names the workspace it was made in. */
export async function workspacesOf(
  store: FileStore,
  ids: readonly string[],
  given: string | undefined,
): Promise<string[]> {
  if (given !== undefined) return ids.length === 0 ? [] : [resolve(given)];
  const found = new Set<string>();
  for (const id of ids) {
    try {
      const state = await runStore(store).load(id);
      if (state !== undefined) found.add(configOfRun(state).workspace);
    } catch {
      // A state that cannot be read is a finding already.
    }
  }
  return [...found];
}
