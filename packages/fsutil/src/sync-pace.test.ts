import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import { join } from "node:path";
import { temporaryFolders } from "@holdfast/test-kit";
import { describe, it } from "vitest";
import { writeFileAtomic } from "./atomic-write.ts";
import type { FileSystem } from "./file-system.ts";
import { nodeFileSystem } from "./node-file-system.ts";
import { SyncPace } from "./sync-pace.ts";
import { wrapFileSystem } from "./wrap-file-system.ts";

const temporaryFolder = temporaryFolders();

function stand(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Syncs as often as `ms` says how long it takes, and tells which way each was done. */
async function waysOf(pace: SyncPace, ms: readonly number[]): Promise<string> {
  let ways = "";
  for (const each of ms) {
    const run = (way: string): void => {
      ways += way;
      if (each > 0) stand(each);
    };
    await pace.sync(
      () => run("i"),
      async () => run("p"),
    );
  }
  return ways;
}

async function* pieces(): AsyncGenerator<string> {
  yield "y";
}

async function quickPace(): Promise<SyncPace> {
  const pace = new SyncPace();
  await waysOf(pace, [0]);
  return pace;
}

/** The disk, and what was synced in place and in the pool. */
function watchedDisk(syncPace: SyncPace): { disk: FileSystem; ways: string[] } {
  const ways: string[] = [];
  const disk = wrapFileSystem(nodeFileSystem, {
    sync: (operation, _path, run) => {
      if (operation.startsWith("sync")) ways.push(`${operation} in place`);
      return run();
    },
    async: (operation, _path, run) => {
      ways.push(`${operation} in the pool`);
      return run();
    },
    own: { syncPace },
  });
  return { disk, ways };
}

describe("SyncPace", () => {
  it("goes to the pool until a sync was short, and for some time after a long one", async () => {
    assert.equal(await waysOf(new SyncPace(), [0, 0, 0]), "pii");
    const ways = await waysOf(new SyncPace(), [0, 0, 20, ...Array.from({ length: 30 }, () => 0)]);
    // One stands still, no second.
    assert.match(ways, /^piip{8,}i+$/);
  });

  it("goes to the pool while several write", async () => {
    const pace = await quickPace();
    pace.begin();
    assert.equal(await waysOf(pace, [0]), "i");
    pace.begin();
    assert.equal(await waysOf(pace, [0]), "p");
    pace.end();
    assert.equal(await waysOf(pace, [0]), "i");
  });

  it("counts no sync that failed", async () => {
    const pace = await quickPace();
    const failed = new Error("failed");
    const fail = (): never => {
      throw failed;
    };
    await assert.rejects(pace.sync(fail, fail), failed);
    assert.equal(await waysOf(pace, [0]), "i");
  });
});

describe("writeFileAtomic() on a quick disk", () => {
  it("syncs in place what is short and alone, after a turn of the event loop", async () => {
    const folder = temporaryFolder();
    const { disk, ways } = watchedDisk(await quickPace());
    let turns = 0;
    for (let count = 0; count < 20; count += 1) {
      setImmediate(() => (turns += 1));
      await writeFileAtomic(join(folder, "a"), `${count}`, { fileSystem: disk });
    }
    assert.equal(fs.readFileSync(join(folder, "a"), "utf8"), "19");
    // A real disk may be slow at any time: then it is the pool's, and the loop turns all the same.
    assert.equal(ways.length, 40);
    assert.equal(ways[0], "sync in place");
    assert.equal(turns, 20);
  });

  it("syncs in the pool what is long, what comes in pieces, and what is written with others", async () => {
    const folder = temporaryFolder();
    const long = "x".repeat(300_000);
    const at = (name: string): string => join(folder, name);
    for (const content of [long, pieces()]) {
      const { disk, ways } = watchedDisk(await quickPace());
      await writeFileAtomic(at("a"), content, { fileSystem: disk });
      assert.deepEqual(
        ways.filter((way) => way.startsWith("sync")),
        ["sync in the pool", "syncDirectory in the pool"],
      );
    }
    const { disk, ways } = watchedDisk(await quickPace());
    const names = Array.from({ length: 8 }, (_, n) => `f${n}`);
    await Promise.all(names.map((name) => writeFileAtomic(at(name), name, { fileSystem: disk })));
    assert.ok(ways.filter((way) => way.endsWith("in the pool")).length >= 8, ways.join());
    for (const name of names) assert.equal(fs.readFileSync(at(name), "utf8"), name);
  });
});
