import assert from "node:assert/strict";
import { memoryStore, type Store } from "@holdfast/storage";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { jobStore } from "./job-store.ts";

const KEY = "jobs/jobs_index";

const textOf = async (store: Store): Promise<string> =>
  Buffer.from((await store.documents.getBytes(KEY))?.bytes ?? []).toString("utf8");

/** As a reader of documents finds them: pretty-printed, with a last newline. */
const pretty = (text: string): string => `${JSON.stringify(JSON.parse(text), null, 2)}\n`;

const jobIds = fc.constantFrom("a", "b", "job", "jobs", "schema", "__proto__", "1a", "a.b-c");

describe("jobs_index", () => {
  it("says after every change what the manifests say, in the layout of documents", async () => {
    const change = fc.tuple(jobIds, fc.constantFrom("activate", "suspend", "resume", "cancel", "rerun"));
    await fc.assert(
      fc.asyncProperty(
        fc.array(change, { maxLength: 12 }),
        fc.string({ unit: "binary" }),
        async (changes, text) => {
          const store = memoryStore();
          const jobs = jobStore(store);
          const description = `\n    "a": {${text.toWellFormed()}`;
          for (const [id, action] of changes) {
            if ((await jobs.load(id)) === undefined) await jobs.create({ job_id: id, description });
            else await jobs.transition(id, action as "activate").catch(() => undefined);
            assert.deepEqual(await jobs.checkIndex(), []);
            const index = await textOf(store);
            assert.equal(index, pretty(index));
          }
          const grown = JSON.parse((await textOf(store)) || '{"jobs":{}}');
          await jobs.rebuildIndex();
          assert.deepEqual(grown.jobs, JSON.parse(await textOf(store)).jobs);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("is made anew by a change that sees it damaged, gone, or printed by another program", async () => {
    const store = memoryStore();
    const jobs = jobStore(store);
    for (const job_id of ["a", "b", "c"]) await jobs.create({ job_id, description: "d" });
    const whole = JSON.parse(await textOf(store));
    for (const value of [
      [],
      "text",
      { ...whole, jobs: [] },
      { jobs: whole.jobs },
      { ...whole, jobs: { ...whole.jobs, a: 1 } },
      { ...whole, more: 1 },
    ]) {
      await store.documents.put(KEY, value);
      await jobs.transition("a", "suspend");
      await jobs.transition("a", "resume");
      assert.deepEqual(await jobs.checkIndex(), [], JSON.stringify(value));
    }
    await store.documents.delete(KEY);
    await jobs.transition("b", "suspend");
    assert.deepEqual(await jobs.checkIndex(), []);
  });

  it("of a later version is left as it is", async () => {
    const store = memoryStore();
    const jobs = jobStore(store);
    const later = { schema: "holdfast/jobs-index/v2", jobs: {} };
    await store.documents.put(KEY, later);
    await jobs.create({ job_id: "a", description: "d" });
    await jobs.rebuildIndex();
    assert.deepEqual((await store.documents.get(KEY))?.value, later);
    assert.deepEqual(await jobs.checkIndex(), ["it was written by a later version"]);
  });
});
