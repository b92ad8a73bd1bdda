import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomicSync } from "@holdfast/fsutil";
import type { TrialOutcome, TrialResult } from "./trial.ts";

const RESULTS = join(import.meta.dirname, "..", "results.json");

/** What the last run of a trial saw, and how far it looked. */
export interface KeptResult extends TrialOutcome {
  readonly name: string;
  readonly isLong: boolean;
}

/** What is kept of all trials, by name. */
export function keptResults(): ReadonlyMap<string, KeptResult> {
  const kept: KeptResult[] = existsSync(RESULTS) ? JSON.parse(readFileSync(RESULTS, "utf8")) : [];
  return new Map(kept.map((one) => [one.name, one]));
}

/** Keeps a result in place of an older one of its trial: a long run that is interrupted has not been in vain. */
export function keepResult({ name, counts, problem, skipped }: TrialResult, isLong: boolean): void {
  const kept: KeptResult = {
    name,
    isLong,
    counts,
    ...(problem === undefined ? {} : { problem }),
    ...(skipped === undefined ? {} : { skipped }),
  };
  const all = [...new Map(keptResults()).set(name, kept).values()];
  writeFileAtomicSync(RESULTS, `${JSON.stringify(all, undefined, 2)}\n`, { mode: 0o644 });
}
