import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { FileStore } from "@holdfast/storage";
import { type RunError, type RunKind, runStore } from "@holdfast/task-store";
import { type Finding, unreadable } from "./finding.ts";

/** A run whose state can be read. */
export interface ListedRun {
  readonly id: string;
  readonly kind: RunKind;
}

/** The runs whose state can be read, and what stands against the others: a run that cannot be counted must not go unseen. */
export async function listRuns(store: FileStore): Promise<{ runs: ListedRun[]; damaged: Finding[] }> {
  const runs: ListedRun[] = [];
  const damaged: Finding[] = [];
  const known = new Set<string>();
  const onDamaged = (id: string, error: RunError): void => {
    known.add(id);
    damaged.push(unreadable(placeOfState(store, id), error, id));
  };
  for await (const { run_id: id, kind } of runStore(store).list({ onDamaged })) {
    known.add(id);
    runs.push({ id, kind });
  }
  for (const id of await foldersWithRecords(join(store.root, "runs"))) {
    if (known.has(id)) continue;
    damaged.push({
      severity: "error",
      kind: "state",
      place: placeOfState(store, id),
      message: `there is no state of run "${id}", but its folder holds what only a run with a state leaves`,
      meaning: "The state was removed: the run cannot be resumed or checked. Restore the file from a copy.",
      run_id: id,
    });
  }
  return { runs, damaged };
}

const placeOfState = (store: FileStore, id: string): string => store.locate({ document: `runs/${id}/run` });

/** Written after the state of a run, never before. The first `last` of a fork is not: it comes before the run that names it. */
const RECORDS = ["ledger.ndjson", "receipts", "events.jsonl", "result.json"];

/** Run folders in which something was recorded; one that a crash left empty claims nothing. */
async function foldersWithRecords(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return names.filter((name) => RECORDS.some((record) => existsSync(join(folder, name, record)))).toSorted();
}
