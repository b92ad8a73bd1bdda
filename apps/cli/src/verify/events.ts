import { verifyEvents } from "@holdfast/events";
import type { FileStore } from "@holdfast/storage";
import { type Finding, unreadable } from "./finding.ts";

/** What stands against the event streams of a store, or of one run: also of runs whose state is gone. */
export async function eventFindings(
  store: FileStore,
  runId: string | undefined,
  signal: AbortSignal,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const key of await store.logs.list(runId === undefined ? "runs/" : `runs/${runId}/events`)) {
    const run = /^runs\/([^/]+)\/events$/.exec(key)?.[1];
    if (run === undefined) continue;
    try {
      const found = await verifyEvents(store, run, { signal });
      findings.push(...found.map((finding) => ({ ...finding, run_id: run })));
    } catch (error) {
      signal.throwIfAborted();
      findings.push(unreadable(store.locate({ log: key }), error, run));
    }
  }
  return findings;
}
