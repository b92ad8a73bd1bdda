import type { FileStore, StoreFinding } from "@holdfast/storage";
import { jobStore } from "@holdfast/task-store";

/**
 * What is to be mended about the index of jobs: it is made again from the manifests, which are what counts.
 *
 * @param options - `dryRun`: only says what would be done.
 */
export async function repairJobsIndex(
  store: FileStore,
  options: { readonly dryRun: boolean },
): Promise<StoreFinding[]> {
  const jobs = jobStore(store);
  const problems = await jobs.checkIndex();
  const [first] = problems;
  if (first === undefined) return [];
  if (!options.dryRun) await jobs.rebuildIndex();
  const left = options.dryRun ? [] : await jobs.checkIndex();
  const more = problems.length === 1 ? "" : ` (and ${problems.length - 1} more)`;
  const done = options.dryRun ? "would be made again" : "made again";
  return [
    {
      kind: "damaged-index",
      severity: "warning",
      path: store.locate({ document: "jobs/jobs_index" }),
      message:
        left.length === 0 ? `${first}${more}: ${done} from the manifests` : `${first}${more}: left as it is`,
      repaired: left.length === 0,
    },
  ];
}
