import type { FileStore } from "@holdfast/storage";
import type { Finding } from "./finding.ts";

/** Files that are not what a store may hold: torn, damaged, left over. */
export async function filesFindings(
  store: FileStore,
  runId: string | undefined,
  signal: AbortSignal,
): Promise<Finding[]> {
  // Contents are read with the snapshots that need them; without a run, the ones that nothing names are read too.
  const found = await store.check({ signal, ...(runId === undefined ? {} : { prefix: `runs/${runId}/` }) });
  // What can be made again from what counts is told of where that is: a damaged one is no broken promise.
  const isDerived = (path: string): boolean => path === store.locate({ document: "jobs/jobs_index" });
  return found
    .filter(({ kind, path }) => !(kind === "damaged-document" && isDerived(path)))
    .map(({ severity, kind, path, line, message }) => ({
      severity,
      kind,
      place: line === undefined ? path : `${path}:${line}`,
      message,
    }));
}
