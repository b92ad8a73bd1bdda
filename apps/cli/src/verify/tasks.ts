import type { FileStore } from "@holdfast/storage";
import { verifyTasks } from "@holdfast/task-store";
import { type Finding, unreadable } from "./finding.ts";

/** What stands against the tasks of a store. */
export async function taskFindings(store: FileStore, signal: AbortSignal): Promise<Finding[]> {
  try {
    return await Array.fromAsync(verifyTasks(store, { signal }));
  } catch (error) {
    signal.throwIfAborted();
    return [unreadable("tasks", error)];
  }
}
