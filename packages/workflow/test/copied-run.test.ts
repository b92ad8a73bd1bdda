import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { fileStore } from "@holdfast/storage";
import { describe, it } from "vitest";
import { verifyRun } from "../src/index.ts";
import { usualAnswers } from "./scripted-agents.ts";
import { World } from "./world.ts";

describe("a run whose folder was copied without its lock", () => {
  it("is resumed at once, under a token above those in its ledger", async () => {
    let failures = 3;
    using world = new World(
      (command) => {
        if (failures-- > 0) throw new Error("the machine went off");
        return usualAnswers(command);
      },
      undefined,
      (folder) => fileStore(folder),
    );
    await assert.rejects(world.run());
    await assert.rejects(world.resume());
    await assert.rejects(world.resume());
    await world.store.close();
    const root = join(world.folder, "store");
    rmSync(join(root, "work"), { recursive: true });

    await using store = fileStore(root);
    assert.equal((await world.resume({ store })).status, "completed");
    assert.deepEqual(await verifyRun(store, world.runId), []);
  });
});
