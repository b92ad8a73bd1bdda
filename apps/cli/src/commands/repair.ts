import type { FileStore, StoreFinding } from "@holdfast/storage";
import type { Context } from "../context.ts";
import { CommandError, EXIT } from "../failure.ts";
import { repairJobsIndex } from "../repair/jobs-index.ts";
import { repairSimulations } from "../repair/simulation-runs.ts";
import { printable } from "../table.ts";
import { requireRun } from "./runs.ts";

/** Mends what can be mended, and says what it did; what it cannot mend is left to a person, with status 1. */
export async function repair(
  context: Context,
  runId: string | undefined,
  options: { readonly dryRun?: boolean; readonly salvage?: boolean; readonly breakLock?: boolean },
): Promise<number> {
  const store = context.store();
  if (runId !== undefined) await requireRun(store, runId);
  if (options.breakLock === true) await breakLock(context, store, runId, options.dryRun === true);
  const dryRun = options.dryRun === true;
  const { signal } = context;
  // First what can be made again: a store could only take it away.
  const derived = [
    ...(await repairSimulations(store, runId, { dryRun, signal })),
    ...(runId === undefined ? await repairJobsIndex(store, { dryRun }) : []),
  ];
  const files = await store.repair({
    dryRun,
    salvage: options.salvage === true,
    signal,
    ...(runId === undefined ? {} : { prefix: `runs/${runId}/` }),
  });
  const findings = [...derived, ...files.filter(({ path }) => !derived.some((one) => one.path === path))];
  const left = findings.filter((finding) => finding.repaired !== true && finding.severity === "error");
  await context.result(
    {
      dry_run: dryRun,
      repaired: findings.filter(({ repaired }) => repaired === true).length,
      left: left.length,
      findings,
    },
    textOf(context, findings, dryRun),
  );
  return left.length === 0 ? EXIT.done : EXIT.failed;
}

/** Frees a run from a holder that cannot be judged from here. One that runs on this machine keeps it. */
async function breakLock(
  context: Context,
  store: FileStore,
  runId: string | undefined,
  dryRun: boolean,
): Promise<void> {
  if (runId === undefined)
    throw new CommandError("USAGE", "--break-lock needs the run whose lock is meant", EXIT.usage);
  const holder = dryRun ? await store.work.holder("runs", runId) : await store.breakClaim("runs", runId);
  if (holder === undefined) {
    await context.note(`nobody holds ${runId}`);
    return;
  }
  const who = `process ${holder.pid ?? "?"} on ${holder.host ?? "?"}, holder of ${runId} since ${holder.since ?? "?"}`;
  await context.note(dryRun ? `would fence off ${who}` : `fenced off ${who}`);
}

function textOf(context: Context, findings: readonly StoreFinding[], dryRun: boolean): string {
  if (findings.length === 0) return "nothing to mend\n";
  const word = ({ repaired }: StoreFinding): string => {
    if (repaired === true) return context.style("green", dryRun ? "would mend" : "mended");
    return context.style("red", "left");
  };
  return findings
    .map((finding) => {
      const place =
        finding.line === undefined
          ? finding.path
          : `${finding.path}:${finding.line}${finding.offset === undefined ? "" : ` (byte ${finding.offset})`}`;
      return `${word(finding).padEnd(10)}  ${printable(place)}\n            ${printable(finding.message)}\n`;
    })
    .join("");
}
