import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { it } from "vitest";

it("examples/job: a job from DRAFT to SUCCESS, killed in the middle", { timeout: 120_000 }, () => {
  const script = fileURLToPath(new URL("../../../examples/job/walk.mjs", import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [script], { encoding: "utf8" });
  assert.equal(status, 0, stdout + stderr);
});
