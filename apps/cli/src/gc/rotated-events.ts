import { join } from "node:path";
import { removeFile } from "@holdfast/fsutil";
import type { FileStore } from "@holdfast/storage";
import type { AgeClock } from "./age-clock.ts";
import { durationText } from "./duration.ts";
import type { Removal } from "./removal.ts";
import { ageOf, namesIn, type StoredFile, storedFile } from "./stored-file.ts";

const ROTATED = /^events_\d{4}-\d{2}-\d{2}_\d{2}-\d{2}-\d{2}(_\d+)?\.jsonl$/;

/** The files that a run's event stream was rotated into and that nothing was written to for so long. The current file always stays. */
export function rotatedEvents(
  store: FileStore,
  runId: string,
  rules: { readonly olderThanMs?: number | undefined; readonly clock: AgeClock },
): Removal[] {
  const { olderThanMs, clock } = rules;
  if (olderThanMs === undefined) return [];
  const isOld = (file: StoredFile | undefined): file is StoredFile =>
    file !== undefined && ageOf(file, clock) >= olderThanMs;
  return namesIn(store, `runs/${runId}`)
    .filter((name) => ROTATED.test(name))
    .toSorted()
    .map((name) => storedFile(store, `runs/${runId}/${name}`))
    .filter(isOld)
    .map(({ path, bytes }) => ({
      kind: "events",
      path,
      bytes,
      run_id: runId,
      reason: `rotated, last written more than ${durationText(olderThanMs)} ago`,
      remove: async () => {
        if (!isOld(storedFile(store, path))) return false;
        await removeFile(join(store.root, path), { fileSystem: store.fileSystem });
        return true;
      },
    }));
}
