import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileStore, type Json, memoryStore, type Store } from "@holdfast/storage";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesOf, pathOf, placed, walk, withFiles } from "../test/jobs.ts";
import { JobError, JobHeldError, type JobManifest, jobStore } from "./index.ts";

const codeOf = (error: unknown): string => (error instanceof JobError ? error.code : String(error));
const counted = (job: JobManifest): object => ({ count: Number(job["count"] ?? 0) + 1 });

async function idsOf(store: Store): Promise<string[]> {
  return (await Array.fromAsync(jobStore(store).list())).map(({ job_id: id }) => id);
}

describe("update()", () => {
  it("writes only when something changed, and then raises the revision by one", async () => {
    await withFiles(async (store, root) => {
      const jobs = jobStore(store);
      const job = await walk(store, ["activate"]);
      const before = statSync(pathOf(root, "j"), { bigint: true });
      expect(await jobs.update(job, { description: "walk" })).toEqual(job);
      expect(await jobs.update("j", () => ({}))).toEqual(job);
      expect(await jobs.update("j", (present) => present)).toEqual(job);
      const after = statSync(pathOf(root, "j"), { bigint: true });
      expect([after.ino, after.mtimeNs]).toEqual([before.ino, before.mtimeNs]);
      const changed = await jobs.update("j", { description: "other", note: { deep: [1, null] } });
      expect(changed).toEqual({ ...job, description: "other", note: { deep: [1, null] }, revision: 3 });
      expect(await jobs.update("j", { note: undefined })).toEqual({
        ...job,
        description: "other",
        revision: 4,
      });
    });
  });

  it("sets nothing that follows from what happens", async () => {
    await withFiles(async (store, root) => {
      const jobs = jobStore(store);
      await walk(store, ["activate"]);
      const before = bytesOf(root, "j");
      const changes: readonly object[] = [
        { status: "SUCCESS" },
        { history: [] },
        { metrics: { cumulative_cost: 0, cumulative_time_seconds: 1 } },
        { revision: 1 },
        { job_id: "other" },
        { current_phase: "none" },
        { phases: [] },
        {
          phases: [
            { name: "work", active_agent: "a" },
            { name: "work", active_agent: "b" },
          ],
        },
        { description: 1 },
      ];
      for (const change of changes)
        await expect(jobs.update("j", change)).rejects.toMatchObject({ code: "JOB_INVALID" });
      expect(bytesOf(root, "j")).toBe(before);
      await expect(jobs.update("none", {})).rejects.toMatchObject({ code: "JOB_NOT_FOUND" });
    });
  });

  it("loses no change of many at the same time, and leaves the index in step", async () => {
    await withFiles(async (store, root) => {
      await walk(store, ["activate"]);
      await using other = fileStore(root);
      await Promise.all(
        Array.from({ length: 20 }, (_, at) => jobStore(at % 2 === 0 ? store : other).update("j", counted)),
      );
      const job = await jobStore(store).load("j");
      expect([job?.["count"], job?.revision]).toEqual([20, 22]);
      expect(indexOf(root)["j"]).toMatchObject({ revision: 22 });
    });
  });

  it("keeps whatever tomorrow adds, at every level", async () => {
    await using store = memoryStore();
    const added = fc.jsonValue({ maxDepth: 3 }).map((value) => value as Json);
    await fc.assert(
      fc.asyncProperty(added, async (value) => {
        const id = await placed(store, "PENDING", { tomorrow: value });
        const stored = await store.documents.get(`jobs/${id}/job_manifest`);
        const old = stored?.value as unknown as JobManifest;
        const phases = old.phases.map((phase) => ({ ...phase, tomorrow: value }));
        const history = old.history.map((entry) => ({ ...entry, tomorrow: value }));
        const metrics = { ...old.metrics, tomorrow: value };
        await placed(store, "PENDING", { tomorrow: value, phases, history, metrics });
        const job = await jobStore(store).transition(id, "start");
        expect(job["tomorrow"]).toEqual(value);
        expect(job.phases).toEqual(phases);
        expect(job.history.slice(0, -1)).toEqual(history);
        expect(job.metrics).toEqual(metrics);
      }),
      { numRuns: 50 },
    );
  });
});

describe("claim()", () => {
  it("is for one at a time; the others are told who holds the job", async () => {
    await using store = memoryStore();
    const jobs = jobStore(store);
    await walk(store, []);
    const claim = await jobs.claim("j", { worker: "first" });
    const second = await jobs.claim("j").catch((error: unknown) => error);
    expect(second).toBeInstanceOf(JobHeldError);
    expect(second).toMatchObject({ code: "JOB_HELD", holder: { worker: "first" } });
    expect(await jobs.release(claim)).toBe(true);
    const third = await jobs.claim("j");
    // Whoever lost the job can no longer write it.
    const late = jobs.transition("j", "activate", { fence: claim });
    await expect(late).rejects.toMatchObject({ code: "STORE_FENCED" });
    await jobs.transition("j", "activate", { fence: third });
    await expect(jobs.claim("none")).rejects.toMatchObject({ code: "JOB_NOT_FOUND" });
    expect(await store.work.holder("jobs", "none")).toBeUndefined();
  });
});

describe("create() and load()", () => {
  it("claims an id once", async () => {
    await withFiles(async (store, root) => {
      await using other = fileStore(root);
      const made = await Promise.allSettled(
        Array.from({ length: 10 }, (_, at) =>
          jobStore(at % 2 === 0 ? store : other).create({ job_id: "j", description: String(at) }),
        ),
      );
      const codes = made.map((one) => (one.status === "rejected" ? codeOf(one.reason) : "made"));
      expect(codes.toSorted()).toEqual([...Array.from({ length: 9 }, () => "JOB_EXISTS"), "made"]);
      const ids = await Promise.all(
        Array.from({ length: 10 }, () => jobStore(store).create({ description: "d" })),
      );
      expect(new Set(ids.map(({ job_id }) => job_id)).size).toBe(10);
      for (const { job_id: id } of ids) expect(id).toMatch(/^job-\d{8}-\d{6}-[0-9a-f]{8}$/u);
    });
  });

  it("starts as a draft whatever is asked for", async () => {
    await using store = memoryStore();
    const asked = { status: "SUCCESS", revision: 9, history: [], metrics: { cumulative_cost: 5 } };
    const job = await jobStore(store).create({ job_id: "j", description: "d", ...asked });
    expect(job).toMatchObject({ status: "DRAFT", revision: 1, current_phase: "work" });
    expect(job.metrics).toEqual({ cumulative_cost: 0, cumulative_time_seconds: 0 });
    expect(job.history.length).toBe(1);
  });

  it("no id leaves its folder", async () => {
    await withFiles(async (store, root) => {
      const bad = ["", ".", "..", "../x", "a/b", "a\\b", "/x", "a\0", "CON", "nul.txt", "a.json", "a.", ".a"];
      for (const id of [...bad, "a b", "ä", "x".repeat(129), "com1", "x.ndjson"]) {
        const made = jobStore(store).create({ job_id: id, description: "d" });
        await expect(made).rejects.toMatchObject({ code: "JOB_INVALID" });
        await expect(jobStore(store).load(id)).rejects.toBeInstanceOf(RangeError);
      }
      expect(existsSync(join(root, "jobs"))).toBe(false);
      const job = await jobStore(store).create({ job_id: "x".repeat(128), description: "d" });
      expect(await jobStore(store).load(job.job_id)).toEqual(job);
    });
  });

  it("says what is wrong with a manifest, and leaves it alone", async () => {
    await withFiles(async (store, root) => {
      await walk(store, ["activate"]);
      const whole = bytesOf(root, "j");
      const cases: readonly (readonly [string, string, RegExp])[] = [
        [whole.slice(0, -20), "JOB_DAMAGED", /line \d+/u],
        ["", "JOB_DAMAGED", /job_manifest/u],
        ["[]", "JOB_DAMAGED", /expected object/u],
        [whole.replace('"PENDING"', '"ELSEWHERE"'), "JOB_DAMAGED", /\$\.(status|history\.1\.status)/u],
        [whole.replace('"j"', '"k"'), "JOB_DAMAGED", /job "k"/u],
        [whole.replace("job-manifest/v1", "job-manifest/v2"), "JOB_NEWER_FORMAT", /version 2/u],
      ];
      for (const [text, code, message] of cases) {
        writeFileSync(pathOf(root, "j"), text);
        for (const attempt of [
          jobStore(store).load("j"),
          jobStore(store).transition("j", "start"),
          jobStore(store).update("j", { description: "x" }),
        ]) {
          const error = await attempt.catch((thrown: unknown) => thrown);
          expect(error).toBeInstanceOf(JobError);
          expect(error).toMatchObject({ code, path: "jobs/j/job_manifest.json" });
          expect(String(error)).toMatch(message);
        }
        expect(bytesOf(root, "j")).toBe(text);
      }
    });
  });
});

function indexOf(root: string): Record<string, unknown> {
  const { jobs }: { jobs: Record<string, unknown> } = JSON.parse(
    readFileSync(join(root, "jobs", "jobs_index.json"), "utf8"),
  );
  return jobs;
}

describe("list() and the index", () => {
  it("is right whatever became of the index, and the next change makes it anew", async () => {
    await withFiles(async (store, root) => {
      const path = join(root, "jobs", "jobs_index.json");
      for (const id of ["a", "b", "c"]) await walk(store, ["activate"], id);
      const whole = readFileSync(path, "utf8");
      const mishaps: readonly (() => void)[] = [
        () => rmSync(path),
        () => writeFileSync(path, ""),
        () => writeFileSync(path, whole.slice(0, -30)),
        () => writeFileSync(path, "[]"),
        () => writeFileSync(path, '{"jobs": 3}'),
      ];
      for (const mishap of mishaps) {
        mishap();
        expect(await idsOf(store)).toEqual(["a", "b", "c"]);
        await jobStore(store).update("b", counted);
        expect(Object.keys(indexOf(root))).toEqual(["a", "b", "c"]);
      }
      // Stale: a job that it names is gone, another is not in it.
      rmSync(join(root, "jobs", "a"), { recursive: true });
      expect(await idsOf(store)).toEqual(["b", "c"]);
      await jobStore(store).rebuildIndex();
      expect(Object.keys(indexOf(root))).toEqual(["b", "c"]);
      // One of a later version is left alone.
      const later = '{"schema":"holdfast/jobs-index/v2"}';
      writeFileSync(path, later);
      await jobStore(store).update("b", { description: "x" });
      await jobStore(store).rebuildIndex();
      expect(readFileSync(path, "utf8")).toBe(later);
    });
  });

  it("a job whose manifest cannot be read is told of, and nothing of it is removed", async () => {
    await withFiles(async (store, root) => {
      for (const id of ["a", "b", "c"]) await walk(store, [], id);
      writeFileSync(pathOf(root, "b"), "{");
      await expect(Array.fromAsync(jobStore(store).list())).rejects.toMatchObject({ code: "JOB_DAMAGED" });
      const damaged: string[] = [];
      const onDamaged = (id: string): void => {
        damaged.push(id);
      };
      const jobs = await Array.fromAsync(jobStore(store).list({ onDamaged }));
      expect([jobs.map(({ job_id: id }) => id), damaged]).toEqual([["a", "c"], ["b"]]);
      await jobStore(store).rebuildIndex();
      expect(Object.keys(indexOf(root))).toEqual(["a", "c"]);
      expect(bytesOf(root, "b")).toBe("{");
    });
  });

  it("gives many, by state, past what else lies in their folders", async () => {
    await withFiles(async (store, root) => {
      const ids = Array.from({ length: 30 }, (_, at) => `job-${String(at).padStart(2, "0")}`);
      for (const id of ids) await walk(store, Number(id.slice(4)) % 3 === 0 ? ["activate"] : [], id);
      mkdirSync(join(root, "jobs", "job-05", "extra"));
      for (let at = 0; at < 1_100; at += 1)
        writeFileSync(join(root, "jobs", "job-05", "extra", `${at}.json`), "0");
      expect(await idsOf(store)).toEqual(ids);
      const pending = await Array.fromAsync(jobStore(store).list({ status: "PENDING" }));
      expect(pending.length).toBe(10);
      expect(readdirSync(join(root, "jobs")).length).toBe(31);
    });
  });

  it("an empty store has none, and is not made by looking", async () => {
    await withFiles(async (store, root) => {
      expect(await idsOf(store)).toEqual([]);
      expect(await jobStore(store).load("j")).toBeUndefined();
      expect(existsSync(root)).toBe(false);
    });
  });
});
