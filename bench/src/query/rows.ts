import type { BenchmarkRow } from "../harness.ts";

/** What a person would make by hand. */
export const PEER = "node:sqlite with the right indexes";

/** A row without a goal. */
export function rowOf(
  job: string,
  subject: string,
  kind: BenchmarkRow["kind"],
  value: number,
  unit: string,
): BenchmarkRow {
  return { job, subject, kind, median: value, unit };
}
