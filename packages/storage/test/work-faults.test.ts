import assert from "node:assert/strict";
import { crashDisk, faultyFileSystem } from "@holdfast/fsutil/faults";
import { describe, it } from "vitest";
import { fileStore } from "../src/index.ts";

const ITEM = { id: "a" };

/** A queue with one item, on a disk of its own. */
async function diskWithItem() {
  const disk = crashDisk();
  const store = fileStore("/store", { fileSystem: disk });
  await store.work.offer("q", "a", {});
  await store.close();
  return disk;
}

describe("work on a disk that fails", () => {
  it.each([
    { when: "at once", afterEffect: false },
    { when: "after it took effect", afterEffect: true },
  ])(
    "can be claimed by the same process after a claim that failed $when, at any call",
    async ({ afterEffect }) => {
      for (let at = 1; ; at += 1) {
        const fileSystem = faultyFileSystem(await diskWithItem(), { errno: "EIO", at, afterEffect });
        await using store = fileStore("/store", { fileSystem });
        const claims = await store.work.claim("q", "first", ITEM).catch(() => []);
        if (fileSystem.injected === 0) return;
        const again = claims.length > 0 ? claims : await store.work.claim("q", "again", ITEM);
        assert.equal(again.length, 1, `nobody can claim it after call ${at} failed`);
      }
    },
  );

  it("can be claimed by the same process after it could not be given back, wherever that failed", async () => {
    for (let later = 1; ; later += 1) {
      const disk = await diskWithItem();
      const counted = faultyFileSystem(disk, { errno: "EIO", counts: () => isSettling, at: later });
      let isSettling = false;
      await using store = fileStore("/store", { fileSystem: counted });
      const [claim] = await store.work.claim("q", "first", ITEM);
      assert.ok(claim !== undefined);
      isSettling = true;
      await store.work.settle(claim, "ready").catch(() => undefined);
      isSettling = false;
      if (counted.injected === 0) return;
      // Either it is still its holder's, or it is free.
      if (await store.work.renew(claim)) assert.ok(await store.work.settle(claim, "ready"));
      const again = await store.work.claim("q", "again", ITEM);
      assert.equal(again.length, 1, `nobody can claim it after call ${later} failed`);
    }
  });
});
