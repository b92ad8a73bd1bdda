import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileStore, memoryStore, parseTimestamp } from "@holdfast/storage";
import { temporaryFolders } from "@holdfast/test-kit";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { MAX_RUN_NAME_LENGTH, nameInRunId, runIdGenerator } from "./index.ts";

const newFolder = temporaryFolders();
const clock = (): bigint => parseTimestamp("2026-01-02T23:59:58.999999Z");

describe("RunIdGenerator", () => {
  it("gives {name}_{N}agents_{YYYYMMDD}_{HHMMSS}_{seq}, counting on", async () => {
    await using store = memoryStore();
    const ids = runIdGenerator(store, { clock });
    assert.equal(
      await ids.next({ name: "Economic Test/1", agents: 2 }),
      "Economic_Test_1_2agents_20260102_235958_01",
    );
    assert.equal(
      await ids.next({ name: "Economic Test/1", agents: 2 }),
      "Economic_Test_1_2agents_20260102_235958_02",
    );
    assert.equal(
      await ids.next({ name: "Economic Test/1", agents: 3 }),
      "Economic_Test_1_3agents_20260102_235958_01",
    );
  });

  it("next() takes UTC, whatever the clock's offset was", async () => {
    await using store = memoryStore();
    const ids = runIdGenerator(store, { clock: () => parseTimestamp("2026-01-01T00:30:00+02:00") });
    assert.equal(await ids.next({ name: "a", agents: 1 }), "a_1agents_20251231_223000_01");
  });

  it("next() takes an existing folder for taken, also an empty one, and a file of its name", async () => {
    const root = newFolder();
    await using store = fileStore(root);
    mkdirSync(join(root, "runs", "a_1agents_20260102_235958_01"), { recursive: true });
    writeFileSync(join(root, "runs", "a_1agents_20260102_235958_02"), "");
    const ids = runIdGenerator(store, { clock });
    assert.equal(await ids.next({ name: "a", agents: 1 }), "a_1agents_20260102_235958_03");
  });

  it("next() gives 99 ids a second; the 100th is a RunIDCollisionError, the next second has new ones", async () => {
    for (const store of [memoryStore(), fileStore(newFolder())]) {
      let now = clock();
      const ids = runIdGenerator(store, { clock: () => now });
      const given = new Set<string>();
      for (let n = 0; n < 99; n += 1) given.add(await ids.next({ name: "a", agents: 1 }));
      assert.equal(given.size, 99);
      assert.ok(given.has("a_1agents_20260102_235958_99"));
      await assert.rejects(ids.next({ name: "a", agents: 1 }), {
        name: "RunIDCollisionError",
        code: "RUN_ID_COLLISION",
        path: "runs/a_1agents_20260102_235958_*",
      });
      now += 1_000_000n;
      assert.equal(await ids.next({ name: "a", agents: 1 }), "a_1agents_20260102_235959_01");
      await store.close();
    }
  });

  it("next() refuses what no id can be made from, and writes nothing", async () => {
    await using store = memoryStore();
    const ids = runIdGenerator(store, { clock });
    for (const parts of [
      { name: "", agents: 1 },
      { name: "x".repeat(MAX_RUN_NAME_LENGTH + 1), agents: 1 },
      { name: "a", agents: 0 },
      { name: "a", agents: 1.5 },
      { name: "a", agents: Number.NaN },
    ]) {
      await assert.rejects(ids.next(parts), RangeError);
    }
  });

  it("next() gives any name an id that is a key and a run's id", async () => {
    await using store = memoryStore();
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: "binary", minLength: 1, maxLength: MAX_RUN_NAME_LENGTH }),
        fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
        async (name, agents) => {
          const id = await runIdGenerator(store, { clock }).next({ name, agents });
          assert.match(id, /^[A-Za-z0-9_-]+_\d+agents_\d{8}_\d{6}_\d\d$/);
          assert.ok(id.length <= 200);
          await store.documents.put(`runs/${id}/run`, {});
        },
      ),
    );
  });

  it("nameInRunId() replaces each character outside of A-Za-z0-9_- by one underscore", () => {
    assert.equal(nameInRunId("Ä b.c/d\u{1F600}-_9"), "__b_c_d_-_9");
  });
});
