import assert from "node:assert/strict";
import { type JobAction, jobStore } from "@holdfast/task-store";
import { type Feature, feature } from "../feature.ts";
import { checkVersion } from "../old-or-new.ts";
import { afterCrash, withStore } from "../simulated-store.ts";

const JOB = "job-1";
const ACTIONS: readonly JobAction[] = ["activate", "start", "COMPLETED", "start", "COMPLETED", "approve"];

/** Jobs along their state machine. */
export const JOBS: readonly Feature[] = [
  feature<number, number | undefined>(
    "job moved along its states",
    "each move whole, with its history and its cost, or not at all",
    {
      workload: ({ fileSystem, begin, acknowledge }) =>
        withStore(fileSystem, async (store, clock) => {
          const jobs = jobStore(store, { clock });
          begin(1);
          await jobs.create({ job_id: JOB, description: "a job" });
          acknowledge(1);
          for (const [index, action] of ACTIONS.entries()) {
            begin(index + 2);
            await jobs.transition(JOB, action, { cost: 1 });
            acknowledge(index + 2);
          }
        }),
      recover: (disk) =>
        afterCrash(disk, async (store) => {
          const jobs = jobStore(store);
          const listed: string[] = [];
          for await (const { job_id } of jobs.list()) listed.push(job_id);
          const job = await jobs.load(JOB);
          assert.deepEqual(listed, job === undefined ? [] : [JOB]);
          // The index may be behind the manifests, which count; made anew it says what they say.
          await jobs.rebuildIndex();
          assert.deepEqual(await jobs.checkIndex(), []);
          if (job === undefined) return undefined;
          const moves = job.history.filter(({ action }) => ACTIONS.some((one) => one === action)).length;
          assert.equal(job.metrics.cumulative_cost, moves, "the cost of each move");
          return job.revision;
        }),
      check: ({ recovered, ...promised }) => checkVersion(recovered, promised),
    },
  ),
];
