// A process that works on jobs or tasks until it is done or killed, and says on stdout what was acknowledged.
import { writeSync } from "node:fs";
import { argv } from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { fileStore } from "@holdfast/storage";
import { JobHeldError, jobStore, type Task, taskStore } from "../src/index.ts";

const [, , what = "", root = "", name = "", count = "0"] = argv;
const store = fileStore(root);
const jobs = jobStore(store);
const say = (text: string): void => {
  writeSync(1, `${text}\n`);
};

switch (what) {
  case "count":
    for (let n = 0; n < Number(count); n += 1) {
      await jobs.update("shared", (job) => ({ count: Number(job["count"] ?? 0) + 1 }));
      await jobs.create({ job_id: `${name}-${n}`, description: name });
      say(`${name}-${n}`);
    }
    break;
  case "hold":
    try {
      const claim = await jobs.claim("shared");
      await jobs.recover("shared", { fence: claim });
      await jobs.transition("shared", "start", { fence: claim, by: name });
      say(`works ${claim.token}`);
      await delay(600_000);
    } catch (error) {
      if (!(error instanceof JobHeldError)) throw error;
      say(`${error.code} ${error.holder.pid}`);
    }
    break;
  case "save":
    for (let n = 0; ; n += 1) {
      const task: Task = {
        task_id: "task-p-00000000",
        spec: { task_spec_id: "p", request: "x".repeat(n % 2 === 0 ? 10 : 600_000) },
        lifecycle: "active",
        status: "running",
        pipeline_id: String(n),
        created_at: "2026-01-02T03:04:05Z",
        updated_at: "2026-01-02T03:04:05Z",
      };
      const saved = await taskStore(store).save(task);
      if (!saved.ok) throw new Error(saved.error.message);
      say(String(n));
    }
}
await store.close();
