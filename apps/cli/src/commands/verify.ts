import { snapshotStore } from "@holdfast/snapshot";
import type { Context } from "../context.ts";
import { EXIT } from "../failure.ts";
import { ProgressLine } from "../progress.ts";
import { printable } from "../table.ts";
import { eventFindings } from "../verify/events.ts";
import { filesFindings } from "../verify/files.ts";
import { type Finding, isAt, withoutRepeats } from "../verify/finding.ts";
import { onceFindings } from "../verify/in-doubt.ts";
import { jobFindings } from "../verify/jobs.ts";
import { type ListedRun, listRuns } from "../verify/list-runs.ts";
import { simulationFindings } from "../verify/simulation-runs.ts";
import { snapshotFindings } from "../verify/snapshots.ts";
import { taskFindings } from "../verify/tasks.ts";
import { workflowFindings, workspacesOf } from "../verify/workflow-runs.ts";
import { requireRun } from "./runs.ts";

/** Checks everything a store claims, or one run of it. */
export async function verify(
  context: Context,
  runId: string | undefined,
  options: { readonly workspace?: string },
): Promise<number> {
  const store = context.store();
  const only = runId === undefined ? undefined : await requireRun(store, runId);
  const live = new ProgressLine(context);
  const findings: Finding[] = [];
  let runs = 0;
  live.update("checking files");
  findings.push(...(await filesFindings(store, runId, context.signal)));
  const listed =
    only === undefined
      ? await listRuns(store)
      : { runs: [{ id: only.run_id, kind: only.kind }], damaged: [] };
  findings.push(...listed.damaged.filter(({ place }) => !findings.some((one) => isAt(one, place))));
  for (const { id, kind } of listed.runs) {
    live.update(`checking ${id}`);
    runs++;
    if (kind === "workflow") {
      findings.push(...(await workflowFindings(store, id, options.workspace, context.signal)));
      continue;
    }
    const found = await simulationFindings(store, id, context.signal);
    // A file that is no JSON was seen with the files already.
    findings.push(...found.filter(({ place }) => !findings.some((one) => isAt(one, place))));
  }
  live.update("checking events");
  const events = await eventFindings(store, runId, context.signal);
  findings.push(...events.filter(({ place }) => !findings.some((one) => one.place === place)));
  let snapshots = 0;
  if (runId === undefined) {
    for (const id of await snapshotStore(store).list()) {
      live.update(`checking ${id}`);
      snapshots++;
      findings.push(...(await snapshotFindings(store, id, context.signal)));
    }
    live.update("checking tasks and jobs");
    for (const found of [await taskFindings(store, context.signal), await jobFindings(store, context.signal)])
      findings.push(...found.filter(({ place }) => !findings.some((one) => isAt(one, place))));
    findings.push(...(await onceFindings(store)));
  }
  live.clear();
  const workspaces = await workspacesOf(store, workflowIds(listed.runs), options.workspace);
  const found = withoutRepeats(findings);
  const errors = found.filter(({ severity }) => severity === "error").length;
  const warnings = found.filter(({ severity }) => severity === "warning").length;
  await context.result(
    { ok: errors === 0, runs, snapshots, workspaces, errors, warnings, findings: found },
    textOf(context, found, { runs, snapshots, workspaces, errors, warnings }),
  );
  return errors === 0 ? EXIT.done : EXIT.failed;
}

const workflowIds = (runs: readonly ListedRun[]): string[] =>
  runs.filter(({ kind }) => kind === "workflow").map(({ id }) => id);

function textOf(
  context: Context,
  findings: readonly Finding[],
  counts: {
    readonly runs: number;
    readonly snapshots: number;
    readonly workspaces: readonly string[];
    readonly errors: number;
    readonly warnings: number;
  },
): string {
  const colours = { error: "red", warning: "yellow", info: "cyan" } as const;
  const told = findings.map((finding) => {
    const meaning = finding.meaning === undefined ? "" : `\n         ${printable(finding.meaning)}`;
    return `${context.style(colours[finding.severity], finding.severity.padEnd(7))}  ${printable(finding.place)}\n         ${printable(finding.message)}${meaning}\n`;
  });
  const what = `${counts.runs} ${counts.runs === 1 ? "run" : "runs"}, ${counts.snapshots} ${counts.snapshots === 1 ? "snapshot" : "snapshots"}${counts.workspaces.length === 0 ? "" : `, files in ${printable(counts.workspaces.join(", "))}`}`;
  const verdict =
    counts.errors === 0
      ? context.style("green", `checked ${what}: everything that is claimed holds`)
      : context.style(
          "red",
          `checked ${what}: ${counts.errors} ${counts.errors === 1 ? "promise is" : "promises are"} broken`,
        );
  return `${told.join("")}${verdict}${counts.warnings === 0 ? "" : `, ${counts.warnings} worth a look`}\n`;
}
