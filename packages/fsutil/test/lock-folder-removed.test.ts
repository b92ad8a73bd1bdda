import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolders } from "@holdfast/test-kit";
import { describe, it } from "vitest";
import { acquireLock, readLockHolder } from "../src/index.ts";

const newFolder = temporaryFolders();

describe("a lock whose folder is removed under its holder", () => {
  it("is lost, and stays lost when the next holder gets the same number", async () => {
    const folder = join(newFolder(), "lock");
    const first = await acquireLock(folder);
    rmSync(folder, { recursive: true });
    assert.equal(first.isHeld(), false);
    const second = await acquireLock(folder);
    assert.equal(second.token, first.token);
    assert.equal(first.isHeld(), false);
    assert.throws(() => first.assertHeld(), { code: "LOCK_LOST" });
    assert.equal(second.isHeld(), true);
    second.release();
  });

  it("is not given away by the release of the one who lost it", async () => {
    const folder = join(newFolder(), "lock");
    const first = await acquireLock(folder);
    rmSync(folder, { recursive: true });
    const second = await acquireLock(folder);
    first.release();
    assert.equal(second.isHeld(), true);
    assert.equal((await readLockHolder(folder))?.token, second.token);
    await assert.rejects(acquireLock(folder), { code: "LOCK_HELD" });
    second.release();
  });
});
