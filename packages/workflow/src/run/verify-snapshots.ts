import type { Store } from "@holdfast/storage";
import type { RunFinding, VerifyRunOptions } from "./verify-run.ts";

/** Findings about the snapshots that commands name, by id, with the first line that names each. */
export async function snapshotFindings(
  _store: Store,
  _runId: string,
  _snapshots: ReadonlyMap<string, number>,
  _options: VerifyRunOptions,
): Promise<RunFinding[]> {
  return [];
}
