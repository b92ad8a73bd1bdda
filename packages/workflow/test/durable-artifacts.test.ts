import assert from "node:assert/strict";
import type * as promises from "node:fs/promises";
import { join } from "node:path";
import { memoryStore } from "@holdfast/storage";
import { beforeEach, describe, it, vi } from "vitest";
import { World } from "./world.ts";

/** What was synced through `node:fs/promises`, in order, and what is to fail. */
const disk = vi.hoisted(() => ({ done: [] as string[], fail: undefined as string | undefined }));

vi.mock("node:fs/promises", async (load) => {
  const real = await load<typeof promises>();
  return {
    ...real,
    open: async (...args: Parameters<typeof real.open>) => {
      const file = await real.open(...args);
      const sync = file.sync.bind(file);
      file.sync = async () => {
        const path = String(args[0]);
        if (disk.fail !== undefined && path.endsWith(disk.fail)) {
          disk.fail = undefined;
          throw Object.assign(new Error("EIO: i/o error, fsync"), { code: "EIO", syscall: "fsync" });
        }
        await sync();
        disk.done.push(path);
      };
      return file;
    },
  };
});

/** A world whose builder writes a file in a new folder, and whose store tells when a receipt is written. */
function newWorld(): World {
  return new World(
    ({ action }) => {
      if (action === "implement")
        return { files: { "new/deep/b.mjs": "b\n", "src/a.mjs": "a\n" }, event: "builder.completed" };
      return action === "review"
        ? { event: "review.completed", status: "approved" }
        : { event: "spec.updated" };
    },
    undefined,
    () => {
      const store = memoryStore();
      const put = store.documents.put.bind(store.documents);
      store.documents.put = (key, ...rest) => {
        if (key.includes("/receipts/")) disk.done.push(`receipt ${key.split("/").at(-1)}`);
        return put(key, ...rest);
      };
      return store;
    },
  );
}

async function failures(world: World): Promise<string[]> {
  const messages = (await world.ledger()).map((line) => JSON.parse(line));
  return messages.filter(({ event }) => event === "error").map(({ payload }) => payload.code);
}

describe("the artifacts of a step", () => {
  beforeEach(() => {
    disk.done.length = 0;
    disk.fail = undefined;
  });

  it("are on stable storage, with their names and folders, before a receipt says that they are there", async () => {
    using world = newWorld();
    assert.equal((await world.run()).status, "completed");
    const before = disk.done.slice(0, disk.done.indexOf("receipt step-1"));
    const expected = ["", "new", "new/deep", "new/deep/b.mjs", "src", "src/a.mjs"];
    assert.deepEqual(before.toSorted(), expected.map((path) => join(world.workspace, path)).toSorted());
    assert.ok(
      before.indexOf(join(world.workspace, "src/a.mjs")) < before.indexOf(join(world.workspace, "src")),
    );
  });

  it.each(["b.mjs", "new", "deep", "work"])(
    "have no receipt when the sync of %s fails; the step is done again",
    async (name) => {
      using world = newWorld();
      disk.fail = `/${name}`;
      assert.equal((await world.run()).status, "completed");
      assert.deepEqual(await failures(world), ["artifact_not_durable"]);
      assert.deepEqual(
        world.agents.sent.map(({ action }) => action),
        ["implement", "implement", "review", "update_spec"],
      );
      assert.equal(disk.done.filter((what) => what === "receipt step-1").length, 1);
    },
  );
});
