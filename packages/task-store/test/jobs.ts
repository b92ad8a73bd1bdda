import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type FileStore, fileStore, type Json, type Store } from "@holdfast/storage";
import { temporaryFolder } from "@holdfast/test-kit";
import { type JobAction, type JobManifest, type JobStatus, jobStore } from "../src/index.ts";

const T0 = 1_767_323_045_123_456n;

/** A clock that goes on by a second whenever it is asked. */
export function ticking(): () => bigint {
  let now = T0 - 1_000_000n;
  return () => {
    now += 1_000_000n;
    return now;
  };
}

/** Runs a body with a store of files. */
export async function withFiles(body: (store: FileStore, root: string) => Promise<void>): Promise<void> {
  using folder = temporaryFolder();
  const root = join(folder.path, "store");
  await using store = fileStore(root);
  await body(store, root);
}

/** Where a manifest is. */
export const pathOf = (root: string, id: string): string => join(root, "jobs", id, "job_manifest.json");
/** What a manifest holds. */
export const bytesOf = (root: string, id: string): string => readFileSync(pathOf(root, id), "utf8");

/** Puts a job into a state, as if it had come there. */
export async function placed(
  store: Store,
  status: JobStatus,
  change: Partial<JobManifest> = {},
): Promise<string> {
  const id = `in-${status}`;
  await store.documents.put(`jobs/${id}/job_manifest`, {
    schema: "holdfast/job-manifest/v1",
    job_id: id,
    description: "try every action",
    status,
    current_phase: "work",
    phases: [
      { name: "work", active_agent: "builder" },
      { name: "review", active_agent: "reviewer" },
    ],
    metrics: { cumulative_cost: 0, cumulative_time_seconds: 0 },
    history: [{ timestamp: "2026-01-02T03:04:05Z", phase: "work", status }],
    revision: 7,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a manifest is JSON
    ...(change as Record<string, Json>),
  });
  return id;
}

/** Makes a job and does something with it. */
export async function walk(store: Store, actions: readonly JobAction[], id = "j"): Promise<JobManifest> {
  const jobs = jobStore(store, { clock: ticking() });
  let job = await jobs.create({ job_id: id, description: "walk" });
  for (const action of actions) job = await jobs.transition(job, action, { by: "me" });
  return job;
}
