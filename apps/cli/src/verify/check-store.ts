import { snapshotStore } from "@holdfast/snapshot";
import type { FileStore } from "@holdfast/storage";
import type { RunState } from "@holdfast/task-store";
import { eventFindings } from "./events.ts";
import { filesFindings } from "./files.ts";
import { type Finding, isAt, withoutRepeats } from "./finding.ts";
import { onceFindings } from "./in-doubt.ts";
import { jobFindings } from "./jobs.ts";
import { listRuns } from "./list-runs.ts";
import { simulationFindings } from "./simulation-runs.ts";
import { snapshotFindings } from "./snapshots.ts";
import { taskFindings } from "./tasks.ts";
import { workflowFindings, workspacesOf } from "./workflow-runs.ts";

/** What was looked at, and what was found. */
export interface CheckedStore {
  readonly findings: readonly Finding[];
  readonly counts: {
    readonly runs: number;
    readonly snapshots: number;
    readonly tasks: number;
    readonly jobs: number;
  };
  /** Folders that the receipts of workflows were compared with. */
  readonly workspaces: readonly string[];
}

/** How {@link checkStore} looks. */
export interface CheckStoreOptions {
  /** Only this run. */
  readonly only: RunState | undefined;
  /** Compares receipts with this folder, and not with the one that each run names. */
  readonly workspace: string | undefined;
  readonly signal: AbortSignal;
  /** Told what is looked at now. */
  readonly onProgress: (what: string) => void;
}

/** Checks everything that a store claims, or one run of it: one subject after the other, each place told by the first that sees it. */
export async function checkStore(store: FileStore, options: CheckStoreOptions): Promise<CheckedStore> {
  const { only, workspace, signal, onProgress } = options;
  const findings: Finding[] = [];
  const take = (found: readonly Finding[]): void => {
    findings.push(...found.filter(({ place }) => !findings.some((one) => isAt(one, place))));
  };
  onProgress("files");
  findings.push(...(await filesFindings(store, only?.run_id, signal)));
  const listed =
    only === undefined
      ? await listRuns(store)
      : { runs: [{ id: only.run_id, kind: only.kind }], damaged: [] };
  take(listed.damaged);
  for (const { id, kind } of listed.runs) {
    onProgress(id);
    if (kind === "workflow") findings.push(...(await workflowFindings(store, id, workspace, signal)));
    else take(await simulationFindings(store, id, signal));
  }
  onProgress("events");
  const events = await eventFindings(store, only?.run_id, signal);
  findings.push(...events.filter(({ place }) => !findings.some((one) => one.place === place)));
  const workflows = listed.runs.filter(({ kind }) => kind === "workflow").map(({ id }) => id);
  const workspaces = await workspacesOf(store, workflows, workspace);
  const runs = listed.runs.length;
  const none = { runs, snapshots: 0, tasks: 0, jobs: 0 };
  if (only !== undefined) return { findings: withoutRepeats(findings), counts: none, workspaces };
  const snapshots = await snapshotStore(store).list();
  for (const id of snapshots) {
    onProgress(id);
    findings.push(...(await snapshotFindings(store, id, signal)));
  }
  onProgress("tasks and jobs");
  take(await taskFindings(store, signal));
  take(await jobFindings(store, signal));
  findings.push(...(await onceFindings(store)));
  const counts = {
    runs,
    snapshots: snapshots.length,
    tasks: await countDocuments(store, "tasks/", /^tasks\/[^/]+\/[^/]+$/),
    jobs: await countDocuments(store, "jobs/", /^jobs\/[^/]+\/job_manifest$/),
  };
  return { findings: withoutRepeats(findings), counts, workspaces };
}

async function countDocuments(store: FileStore, prefix: string, form: RegExp): Promise<number> {
  let count = 0;
  for (let after: string | undefined; ; ) {
    const page = await store.documents.list(prefix, after === undefined ? {} : { after });
    count += page.items.filter(({ key }) => form.test(key)).length;
    if (page.cursor === undefined) return count;
    after = page.cursor;
  }
}
