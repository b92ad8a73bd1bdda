import type { Context } from "../context.ts";
import { EXIT } from "../failure.ts";
import { ProgressLine } from "../progress.ts";
import { printable } from "../table.ts";
import { type CheckedStore, checkStore } from "../verify/check-store.ts";
import { keepYoungGenerationSmall } from "../young-generation.ts";
import { requireRun } from "./runs.ts";

/** Checks everything a store claims, or one run of it. */
export async function verify(
  context: Context,
  runId: string | undefined,
  options: { readonly workspace?: string },
): Promise<number> {
  keepYoungGenerationSmall();
  const store = context.store();
  const only = runId === undefined ? undefined : await requireRun(store, runId);
  const live = new ProgressLine(context);
  const checked = await checkStore(store, {
    only,
    workspace: options.workspace,
    signal: context.signal,
    onProgress: (what) => live.update(`checking ${what}`),
  });
  live.clear();
  const { findings, counts, workspaces } = checked;
  const errors = findings.filter(({ severity }) => severity === "error").length;
  const warnings = findings.filter(({ severity }) => severity === "warning").length;
  await context.result(
    { ok: errors === 0, ...counts, workspaces, errors, warnings, findings },
    textOf(context, checked, errors, warnings),
  );
  return errors === 0 ? EXIT.done : EXIT.failed;
}

function textOf(context: Context, checked: CheckedStore, errors: number, warnings: number): string {
  const colours = { error: "red", warning: "yellow", info: "cyan" } as const;
  const told = checked.findings.map((finding) => {
    const meaning = finding.meaning === undefined ? "" : `\n         ${printable(finding.meaning)}`;
    return `${context.style(colours[finding.severity], finding.severity.padEnd(7))}  ${printable(finding.place)}\n         ${printable(finding.message)}${meaning}\n`;
  });
  const what = subjectsOf(checked);
  const verdict =
    errors === 0
      ? context.style("green", `checked ${what}: everything that is claimed holds`)
      : context.style(
          "red",
          `checked ${what}: ${errors} ${errors === 1 ? "promise is" : "promises are"} broken`,
        );
  return `${told.join("")}${verdict}${warnings === 0 ? "" : `, ${warnings} worth a look`}\n`;
}

const many = (count: number, one: string): string => `${count} ${count === 1 ? one : `${one}s`}`;

/** What was looked at: runs and snapshots always, tasks and jobs where there are any. */
function subjectsOf({ counts, workspaces }: CheckedStore): string {
  const { runs, snapshots, tasks, jobs } = counts;
  const subjects = [
    many(runs, "run"),
    many(snapshots, "snapshot"),
    ...(tasks === 0 ? [] : [many(tasks, "task")]),
    ...(jobs === 0 ? [] : [many(jobs, "job")]),
    ...(workspaces.length === 0 ? [] : [`files in ${printable(workspaces.join(", "))}`]),
  ];
  return subjects.join(", ");
}
