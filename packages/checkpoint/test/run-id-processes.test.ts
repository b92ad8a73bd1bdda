import assert from "node:assert/strict";
import { join } from "node:path";
import { startProgram, temporaryFolders } from "@holdfast/test-kit";
import { describe, it } from "vitest";

const newFolder = temporaryFolders();

describe("RunIdGenerator in several processes", () => {
  it("ten that start in the same second get ten ids", async () => {
    const root = join(newFolder(), "store");
    const path = join(import.meta.dirname, "id-process.ts");
    const programs = Array.from({ length: 10 }, () => startProgram(path, [root, "2026-01-02T03:04:05Z"]));
    for (const program of programs) assert.equal(await program.line(), "ready");
    for (const program of programs) program.process.stdin?.write("go\n");
    const ids = await Promise.all(programs.map((program) => program.line()));
    const expected = Array.from(
      { length: 10 },
      (_, index) => `Economic_Test_2agents_20260102_030405_${String(index + 1).padStart(2, "0")}`,
    );
    assert.deepEqual(new Set(ids), new Set(expected));
    for (const program of programs) assert.deepEqual((await program.ended).stderr, "");
  });
});
