import { readdirSync } from "node:fs";
import { join } from "node:path";
import { onceStore } from "@holdfast/idempotency";
import { type FileStore, fileStore } from "@holdfast/storage";
import {
  jobStore,
  type Task,
  type TaskResult,
  taskStore,
  verifyJobs,
  verifyTasks,
} from "@holdfast/task-store";
import type { DamagedFile } from "./damaged-file.ts";
import { DAMAGED, fileInStore, type LooksAtStore, told } from "./file-in-store.ts";

const TASK = "task-parser-0123abcd";
const JOB = "job-1";
const KEY = "turn-12/ask-model";
const TIME = "2026-01-02T03:04:05.123456Z";

const task: Task = {
  task_id: TASK,
  spec: {
    task_spec_id: "parser",
    request: "a parser, naïvely \u2028",
    mode: "implement",
    priority: 3,
    hints: { depth: 2 },
    files: ["src/a.mjs"],
    overrides: {},
    metadata: {},
  },
  lifecycle: "active",
  status: "running",
  pipeline_id: "p-1",
  stage_results: { plan: { output: [1, 2.5, "x"], error: null, started_at: TIME, completed_at: TIME } },
  routing_trace: [{ stage_id: "plan", decision: "go", agent_id: "a", timestamp: TIME }],
  failure_signatures: [],
  child_task_ids: [],
  lineage_metadata: {},
  created_at: TIME,
  updated_at: TIME,
  unknown_field: { kept: true },
};

function ofStore(
  name: string,
  promise: string,
  {
    path,
    make,
    otherValue = "another",
    refusals = DAMAGED,
    ...looks
  }: LooksAtStore & {
    readonly path: (root: string) => string;
    readonly make: (store: FileStore) => Promise<unknown>;
    readonly otherValue?: DamagedFile["otherValue"];
    readonly refusals?: RegExp;
  },
): DamagedFile {
  const prepare: DamagedFile["prepare"] = async (folder) => {
    const root = join(folder, "store");
    await using store = fileStore(root);
    await make(store);
    await store.close();
    return fileInStore(root, path(root), looks);
  };
  return { name, promise, refusals, otherValue, seal: "document_sha256", prepare };
}

/** Errors of tasks are values. */
function valueOf<T>(result: TaskResult<T>): T {
  if (result.ok) return result.value;
  throw Object.assign(new Error(result.error.message), { code: `TASK_${result.error.code}` });
}

async function createJob(store: FileStore): Promise<void> {
  const jobs = jobStore(store);
  await jobs.create({ job_id: JOB, description: "do it, naïvely" });
  for (const action of ["activate", "start", "COMPLETED"] as const)
    await jobs.transition(JOB, action, { by: "me", cost: 0.1, timeSeconds: 1.5, summary: "done" });
}

function rememberOnce(store: FileStore): Promise<unknown> {
  return onceStore(store).once(KEY, { question: "?" }, () => ({
    answer: "naïve",
    luck: 42,
    list: [1, null],
  }));
}

const jobFindings = async (store: FileStore): Promise<string[]> =>
  told(await Array.fromAsync(verifyJobs(store)));

/** The only file below a folder. */
function onlyFile(root: string, folder: string): string {
  const files = readdirSync(join(root, folder), { recursive: true, withFileTypes: true });
  const [file, ...others] = files.filter((entry) => entry.isFile());
  if (file === undefined || others.length > 0) throw new Error(`there is not one file in "${folder}"`);
  return join(file.parentPath, file.name).slice(root.length + 1);
}

/** Tasks, jobs and remembered work. */
export const RECORD_FILES: readonly DamagedFile[] = [
  ofStore("task", "refused by an error value, or told by verify", {
    path: () => `tasks/parser/${TASK}.json`,
    make: async (store) => valueOf(await taskStore(store).save(task)),
    refusals: /^TASK_(?:JSON|VALIDATION)$/,
    read: async (store) => valueOf(await taskStore(store).load(TASK)),
    verify: async (store) => told(await Array.fromAsync(verifyTasks(store))),
    otherValue: "bad",
  }),
  ofStore("metadata of a task", "metadata of valid shape, or an error value", {
    path: () => `tasks/parser/${TASK}.json`,
    make: async (store) => valueOf(await taskStore(store).save(task)),
    refusals: /^TASK_(?:JSON|VALIDATION)$/,
    read: async (store) => {
      const metadata = valueOf(await taskStore(store).metadata(TASK));
      return { metadata, listed: valueOf(await taskStore(store).list("parser")) };
    },
  }),
  ofStore("manifest of a job", "refused, or told by verify", {
    otherValue: "bad",
    path: () => `jobs/${JOB}/job_manifest.json`,
    make: createJob,
    read: (store) => jobStore(store).load(JOB),
    verify: jobFindings,
    prefix: "jobs/",
  }),
  ofStore("index of jobs", "found by verify; nothing is read from it", {
    path: () => "jobs/jobs_index.json",
    make: createJob,
    read: (store) => jobStore(store).load(JOB),
    verify: jobFindings,
    prefix: "jobs/",
    otherValue: "bad",
  }),
  ofStore("remembered work", "the recorded result, or a refusal; never run again without a word", {
    path: (root) => onlyFile(root, "idempotency"),
    make: rememberOnce,
    read: rememberOnce,
    refusals: new RegExp(`${DAMAGED.source}|^KEY_CONFLICT$|^ONCE_FAILED$`),
    otherValue: "bad",
  }),
];
