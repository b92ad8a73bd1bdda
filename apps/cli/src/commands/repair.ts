import type { StoreFinding } from "@holdfast/storage";
import type { Context } from "../context.ts";
import { EXIT } from "../failure.ts";
import { breakLock, breakLockUsage, requireHeld } from "../repair/break-lock.ts";
import { repairJobsIndex } from "../repair/jobs-index.ts";
import { repairSimulations } from "../repair/simulation-runs.ts";
import { printable } from "../table.ts";
import { keepYoungGenerationSmall } from "../young-generation.ts";

/** Mends what can be mended, and says what it did; what it cannot mend is left to a person, with status 1. */
export async function repair(
  context: Context,
  id: string | undefined,
  options: { readonly dryRun?: boolean; readonly salvage?: boolean; readonly breakLock?: boolean },
): Promise<number> {
  keepYoungGenerationSmall();
  const store = context.store();
  const dryRun = options.dryRun === true;
  if (id === undefined && options.breakLock === true) throw breakLockUsage();
  const held = id === undefined ? undefined : await requireHeld(store, id);
  if (held !== undefined && options.breakLock === true) await breakLock(context, store, held, dryRun);
  const runId = held?.queue === "runs" ? held.id : undefined;
  const { signal } = context;
  // First what can be made again: a store could only take it away.
  const derived = [
    ...(held?.queue === "jobs" ? [] : await repairSimulations(store, runId, { dryRun, signal })),
    ...(held === undefined ? await repairJobsIndex(store, { dryRun }) : []),
  ];
  const files = await store.repair({
    dryRun,
    salvage: options.salvage === true,
    signal,
    ...(held === undefined ? {} : { prefix: held.prefix }),
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
