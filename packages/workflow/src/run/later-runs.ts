import { posix } from "node:path";
import type { Store } from "@holdfast/storage";
import { listReceipts, type ReceiptFinding, type RunState, runStore } from "@holdfast/task-store";
import { readConfigSnapshot } from "./config-snapshot.ts";

/** A later run that made a file which a receipt of an earlier one names. */
export interface Superseding {
  readonly runId: string;
  readonly step: number;
}

function workspaceOf(state: RunState): string | undefined {
  try {
    return readConfigSnapshot(state.config_snapshot, state.run_id).config.workspace;
  } catch {
    // A run whose config cannot be read says nothing about any workspace; its own verification tells why.
    return undefined;
  }
}

/**
 * Which findings about a run's artifacts are no longer its business: runs share a workspace, and the newest statement about a path
 * counts, whichever run made it. Reads the other runs' receipts, so it is for findings that are there already.
 *
 * @returns By path, the last later run that made it.
 */
export async function supersededPaths(
  store: Store,
  state: RunState,
  findings: readonly ReceiptFinding[],
): Promise<ReadonlyMap<string, Superseding>> {
  const found = new Map<string, Superseding & { readonly at: string }>();
  const workspace = workspaceOf(state);
  const paths = new Set(findings.map(({ path }) => posix.normalize(path)));
  if (paths.size === 0 || workspace === undefined) return found;
  for await (const other of runStore(store).list({ kind: "workflow", onDamaged: () => {} })) {
    if (
      other.run_id === state.run_id ||
      other.started_at <= state.started_at ||
      workspaceOf(other) !== workspace
    )
      continue;
    for (const receipt of await listReceipts(store, other.run_id)) {
      for (const artifact of receipt.artifacts) {
        const path = posix.normalize(artifact.path);
        if (!paths.has(path) || (found.get(path)?.at ?? "") >= receipt.created_at) continue;
        found.set(path, { runId: other.run_id, step: receipt.step, at: receipt.created_at });
      }
    }
  }
  return found;
}
