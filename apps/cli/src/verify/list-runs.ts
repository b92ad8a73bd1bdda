import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { FileStore } from "@holdfast/storage";
import { type RunError, runStore } from "@holdfast/task-store";
import { type Finding, unreadable } from "./finding.ts";

/** The runs whose state can be read, and what stands against the others: a run that cannot be counted must not go unseen. */
export async function listRuns(store: FileStore): Promise<{ ids: string[]; damaged: Finding[] }> {
  const ids: string[] = [];
  const damaged: Finding[] = [];
  const known = new Set<string>();
  const onDamaged = (id: string, error: RunError): void => {
    known.add(id);
    damaged.push(unreadable(placeOfState(store, id), error, id));
  };
  for await (const state of runStore(store).list({ onDamaged })) {
    known.add(state.run_id);
    if (state.kind === "workflow") ids.push(state.run_id);
  }
  for (const id of await foldersWithRecords(join(store.root, "runs"))) {
    if (known.has(id)) continue;
    damaged.push({
      severity: "error",
      kind: "state",
      place: placeOfState(store, id),
      message: `there is no state of run "${id}", but its folder holds a ledger or receipts`,
      meaning: "The state was removed: the run cannot be resumed or checked. Restore the file from a copy.",
      run_id: id,
    });
  }
  return { ids, damaged };
}

const placeOfState = (store: FileStore, id: string): string => store.locate({ document: `runs/${id}/run` });

/** Run folders in which something was recorded; one that a crash left empty claims nothing. */
async function foldersWithRecords(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return names
    .filter((name) => ["ledger.ndjson", "receipts"].some((record) => existsSync(join(folder, name, record))))
    .toSorted();
}
