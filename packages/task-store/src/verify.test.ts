import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Documents, Store } from "@holdfast/storage";
import { describe, it } from "vitest";
import { bytesOf, pathOf, walk, withFiles } from "../test/jobs.ts";
import { jobStore, type Task, taskStore, verifyJobs, verifyTasks, type WorkFinding } from "./index.ts";

const ALL = ["activate", "start", "COMPLETED", "start", "COMPLETED", "approve"] as const;

async function jobFindings(store: Store): Promise<string[]> {
  return (await Array.fromAsync(verifyJobs(store))).map(inShort);
}

const inShort = ({ severity, kind, place, message }: WorkFinding): string =>
  `${severity} ${kind} ${place}: ${message}`;

interface Manifest<Entry> {
  readonly history: Entry[];
  readonly document_sha256: string;
}

describe("verifyJobs()", () => {
  it("finds nothing wrong with what the store wrote", async () => {
    await withFiles(async (store) => {
      assert.deepEqual(await jobFindings(store), []);
      const jobs = jobStore(store);
      for (let length = 0; length <= ALL.length; length += 1) {
        const job = await walk(store, ALL.slice(0, length), `j-${length}`);
        if (job.status === "RUNNING" || job.status === "REVIEWING") await jobs.recover(job);
      }
      await jobs.transition("j-6", "rerun");
      assert.deepEqual(await jobFindings(store), []);
    });
  });

  it("finds every entry of a history that is changed, left out or put elsewhere", async () => {
    await withFiles(async (store, root) => {
      await walk(store, ALL);
      const whole = bytesOf(root, "j");
      const {
        history,
        document_sha256: _seal,
        ...rest
      }: Manifest<Record<string, unknown>> = JSON.parse(whole);
      const damaged: unknown[][] = [
        history.slice(0, -1),
        history.slice(0, 3),
        history.toSpliced(2, 1),
        history.toSpliced(3, 0, { ...history[2] }),
        [...history.slice(0, 4), history[5], history[4], ...history.slice(6)],
        ...history
          .slice(1)
          .flatMap((entry, at) => [
            history.with(at + 1, { ...entry, status: "SUSPENDED" }),
            history.with(at + 1, { ...entry, from: "PAUSED" }),
            history.with(at + 1, { ...entry, action: "terminate" }),
            history.with(at + 1, { ...entry, action: "recover" }),
            history.with(at + 1, { ...entry, action: "restep" }),
            history.with(at + 1, { ...entry, action: "advance" }),
            history.with(at + 1, { ...entry, action: "of tomorrow" }),
          ]),
      ];
      for (const edited of damaged) {
        writeFileSync(pathOf(root, "j"), JSON.stringify({ ...rest, history: edited }));
        const found = await jobFindings(store);
        assert.ok(found.length > 0, JSON.stringify(edited));
        for (const finding of found) assert.match(finding, /^error history jobs\/j\/job_manifest\.json: /u);
      }
      writeFileSync(pathOf(root, "j"), whole);
      assert.deepEqual(await jobFindings(store), []);
    });
  });

  it("takes a history of another program, which says less", async () => {
    await withFiles(async (store, root) => {
      await walk(store, ALL);
      const {
        history,
        document_sha256: _seal,
        ...rest
      }: Manifest<{ timestamp: string; phase: string; status: string }> = JSON.parse(bytesOf(root, "j"));
      const less = history.map(({ timestamp, phase, status }) => ({ timestamp, phase, status }));
      writeFileSync(pathOf(root, "j"), JSON.stringify({ ...rest, history: less }));
      assert.deepEqual(await jobFindings(store), []);
      writeFileSync(pathOf(root, "j"), JSON.stringify({ ...rest, history: less.toSpliced(2, 2) }));
      assert.equal((await jobFindings(store)).length, 1);
    });
  });

  it("warns of sums that are none, and of an index that is out of step", async () => {
    await withFiles(async (store, root) => {
      await walk(store, ["activate"], "a");
      await walk(store, ["activate"], "b");
      const path = join(root, "jobs", "jobs_index.json");
      const index = readFileSync(path, "utf8");
      const expectIndex = async (text: string, ...messages: string[]): Promise<void> => {
        writeFileSync(path, text);
        assert.deepEqual(
          await jobFindings(store),
          messages.map((message) => `warning index jobs/jobs_index.json: ${message}`),
        );
      };
      await expectIndex(index.replace('"PENDING"', '"RUNNING"'), 'job "a" is out of date');
      await expectIndex(
        index.replace('"a"', '"gone"'),
        'job "a" is missing',
        'job "gone" has no manifest that can be read',
      );
      await expectIndex("{", "it cannot be read");
      rmSync(path);
      assert.equal((await jobFindings(store)).length, 2);
      await jobStore(store).rebuildIndex();
      writeFileSync(
        pathOf(root, "a"),
        bytesOf(root, "a").replace('"cumulative_cost": 0', '"cumulative_cost": 7'),
      );
      assert.deepEqual(await jobFindings(store), [
        "warning metrics jobs/a/job_manifest.json: cumulative_cost is 7, the history adds up to 0",
        "warning edited jobs/a/job_manifest.json: it was changed after it was written: its document_sha256 is not the checksum of the rest",
      ]);
    });
  });

  it("finds manifests that are damaged, or gone from a folder that is not empty", async () => {
    await withFiles(async (store, root) => {
      for (const id of ["a", "b", "c"]) await walk(store, [], id);
      writeFileSync(pathOf(root, "a"), "{");
      await store.documents.put("jobs/b/config", {});
      rmSync(pathOf(root, "b"));
      const found = await jobFindings(store);
      assert.match(found[0] ?? "", /^error JOB_DAMAGED jobs\/a\/job_manifest\.json: .*line 1/u);
      assert.match(found[1] ?? "", /^error state jobs\/b\/job_manifest\.json: there is no manifest/u);
      // And the index says more than can be read now.
      assert.equal(found.length, 4);
    });
  });
});

const task = (id: string): Task => ({
  task_id: id,
  spec: { task_spec_id: "x" },
  lifecycle: "queued",
  status: "pending",
  created_at: "2026-01-02T03:04:05Z",
  updated_at: "2026-01-02T03:04:05Z",
});

describe("verifyTasks()", () => {
  it("finds tasks that are damaged, of another shape, or where nobody looks for them", async () => {
    await withFiles(async (store, root) => {
      const tasks = taskStore(store);
      const ids = ["task-a-00000000", "task-b-00000001", "task-b-00000002", "../x", "y".repeat(500)];
      for (const id of ids) await tasks.save(task(id));
      assert.deepEqual(await Array.fromAsync(verifyTasks(store)), []);
      writeFileSync(join(root, "tasks/a/task-a-00000000.json"), "{\n");
      writeFileSync(join(root, "tasks/b/task-b-00000001.json"), "{}");
      const moved = readFileSync(join(root, "tasks/b/task-b-00000002.json"));
      writeFileSync(join(root, "tasks/a/task-b-00000002.json"), moved);
      writeFileSync(join(root, "tasks/b/task-b-00000003.json"), moved);
      const found = (await Array.fromAsync(verifyTasks(store))).map(inShort);
      assert.match(found[0] ?? "", /^error TASK_JSON tasks\/a\/task-a-00000000\.json: .*line 2/u);
      assert.match(found[1] ?? "", /^warning place tasks\/a\/task-b-00000002\.json: /u);
      assert.match(found[2] ?? "", /^error TASK_VALIDATION tasks\/b\/task-b-00000001\.json: .*\$\.task_id/u);
      assert.match(found[3] ?? "", /^error TASK_VALIDATION tasks\/b\/task-b-00000003\.json: .*\$\.task_id/u);
      assert.equal(found.length, 4);
    });
  });
});

/** A store that counts how often each document is read, in whichever way. */
function countingReads(store: Store): { readonly store: Store; readonly reads: Map<string, number> } {
  const reads = new Map<string, number>();
  const count = (key: string): void => void reads.set(key, (reads.get(key) ?? 0) + 1);
  const { documents } = store;
  const counted: Documents = {
    get(key, options) {
      count(key);
      return documents.get(key, options);
    },
    getBytes(key) {
      count(key);
      return documents.getBytes(key);
    },
    read(key, options) {
      count(key);
      return documents.read(key, options);
    },
    put: (...call) => documents.put(...call),
    delete: (...call) => documents.delete(...call),
    list: (...call) => documents.list(...call),
    reserve: (...call) => documents.reserve(...call),
  };
  const { capabilities, logs, objects, work } = store;
  const close = (): Promise<void> => store.close();
  const locate: Store["locate"] = (place) => store.locate(place);
  const rest = { capabilities, logs, objects, work, locate, close, [Symbol.asyncDispose]: close };
  return { store: { ...rest, documents: counted }, reads };
}

function edit(path: string, from: string, to: string): void {
  const text = readFileSync(path, "utf8");
  assert.ok(text.includes(from));
  writeFileSync(path, text.replaceAll(from, to));
}

describe("verifying tasks and jobs", () => {
  it("reads each of them once, and tells of a broken seal all the same", async () => {
    await withFiles(async (files, root) => {
      for (const id of ["task-a-00000000", "task-a-00000001"]) await taskStore(files).save(task(id));
      for (const id of ["a", "b"]) await walk(files, ["activate"], id);
      edit(join(root, "tasks/a/task-a-00000001.json"), "03:04:05Z", "03:04:06Z");
      edit(pathOf(root, "b"), "walk", "talk");
      const { store, reads } = countingReads(files);
      const tasks = (await Array.fromAsync(verifyTasks(store))).map(inShort);
      assert.match(tasks.join("\n"), /^warning edited tasks\/a\/task-a-00000001\.json: [^\n]*$/u);
      const jobs = await jobFindings(store);
      assert.match(jobs[0] ?? "", /^warning edited jobs\/b\/job_manifest\.json: /u);
      assert.equal(reads.get("tasks/a/task-a-00000000"), 1);
      assert.equal(reads.get("tasks/a/task-a-00000001"), 1);
      edit(pathOf(root, "b"), "talk", "walk");
      reads.clear();
      assert.deepEqual(await jobFindings(store), []);
      const once = ["jobs/jobs_index", "jobs/a/job_manifest", "jobs/b/job_manifest"];
      assert.deepEqual(
        [...reads],
        once.map((key) => [key, 1]),
      );
    });
  });
});
