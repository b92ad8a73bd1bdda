import type { FileStore } from "@holdfast/storage";
import { verifyJobs } from "@holdfast/task-store";
import { type Finding, unreadable } from "./finding.ts";

/** What stands against the jobs of a store: manifests, histories, the index. */
export async function jobFindings(store: FileStore, signal: AbortSignal): Promise<Finding[]> {
  try {
    return await Array.fromAsync(verifyJobs(store, { signal }));
  } catch (error) {
    signal.throwIfAborted();
    return [unreadable("jobs", error)];
  }
}
