import assert from "node:assert/strict";
import { type Task, taskStore } from "@holdfast/task-store";
import { type Feature, feature } from "../feature.ts";
import { checkVersion } from "../old-or-new.ts";
import { afterCrash, withStore } from "../simulated-store.ts";

const ID = "task-parser-0123abcd";
const TIME = "2026-01-02T03:04:05.123456Z";

function task(request: string): Task {
  return {
    schema: "holdfast/task/v1",
    task_id: ID,
    spec: {
      task_spec_id: "parser",
      request,
      mode: "implement",
      priority: 0,
      hints: {},
      files: [],
      overrides: {},
      metadata: {},
    },
    lifecycle: "active",
    status: "running",
    stage_results: {},
    routing_trace: [],
    failure_signatures: [],
    child_task_ids: [],
    lineage_metadata: {},
    created_at: TIME,
    updated_at: TIME,
  };
}

/** Tasks. */
export const TASKS: readonly Feature[] = [
  feature<string, string | undefined>(
    "task saved",
    "the task as it was saved last, whole, and its metadata with it",
    {
      workload: ({ fileSystem, begin, acknowledge }) =>
        withStore(fileSystem, async (store) => {
          for (const request of ["one", "two", "three"]) {
            begin(request);
            const saved = await taskStore(store).save(task(request));
            if (!saved.ok) throw new Error(saved.error.message);
            acknowledge(request);
          }
        }),
      recover: (disk) =>
        afterCrash(disk, async (store) => {
          const tasks = taskStore(store);
          const loaded = await tasks.load(ID);
          const metadata = await tasks.metadata(ID);
          const listed = await tasks.list("parser");
          assert.deepEqual(listed, { ok: true, value: loaded.ok ? [ID] : [] });
          assert.equal(metadata.ok, loaded.ok);
          if (loaded.ok) return String(loaded.value.spec.request);
          assert.equal(loaded.error.code, "NOT_FOUND");
          return undefined;
        }),
      check: ({ recovered, ...promised }) => checkVersion(recovered, promised),
    },
  ),
];
