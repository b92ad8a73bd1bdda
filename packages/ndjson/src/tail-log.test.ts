import assert from "node:assert/strict";
import { mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { nodeFileSystem } from "@holdfast/fsutil";
import { crashDisk, faultyFileSystem } from "@holdfast/fsutil/faults";
import { temporaryFolder } from "@holdfast/test-kit";
import { describe, it } from "vitest";
import { openLog } from "./open-log.ts";
import { tailLines, tailLog } from "./tail-log.ts";

describe("tailLog()", () => {
  it("waits for a log that is not there yet, follows it over rotations, and misses nothing", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "deep", "events.jsonl");
    const found: unknown[] = [];
    const reading = (async () => {
      for await (const { record, position } of tailLog(path, { pollMs: 20 })) {
        assert.equal(found.push(record), position);
        if (position === 300) break;
      }
    })();
    await new Promise((resolve) => setTimeout(resolve, 30));
    mkdirSync(join(folder.path, "deep"));
    await using log = await openLog(path, { rotateBytes: 50, durability: "none" });
    for (let index = 1; index <= 300; index++) {
      await log.append(index);
      if (index % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await reading;
    assert.deepEqual(
      found,
      Array.from({ length: 300 }, (_, index) => index + 1),
    );
  });

  it("starts at a position that is to come, and does not read the log again for every line", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "log.ndjson");
    await using log = await openLog(path, { durability: "none" });
    await log.appendMany(Array.from({ length: 300_000 }, (_, index) => index + 1));
    let reads = 0;
    let looks = 0;
    const counted = faultyFileSystem(nodeFileSystem, {
      beforeCall: ({ operation, path: at }) => {
        if (operation === "read" && at === path) reads++;
        if (operation === "open" && at === path) looks++;
      },
    });
    const controller = new AbortController();
    const found: number[] = [];
    const reading = (async () => {
      const options = { from: 300_003, signal: controller.signal, fileSystem: counted, pollMs: 2 };
      for await (const { position } of tailLog(path, options)) found.push(position);
    })();
    for (let index = 1; index <= 10; index++) {
      await log.append(index);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    while (found.length < 8) await new Promise((resolve) => setTimeout(resolve, 2));
    controller.abort();
    await reading;
    assert.deepEqual(
      found,
      [3, 4, 5, 6, 7, 8, 9, 10].map((index) => 300_000 + index),
    );
    assert.ok(reads <= looks * 3 + 10, `${reads} reads in ${looks} looks`);
  });

  it("ends without an error when the signal aborts, while it waits and while it reads", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "log.ndjson");
    writeFileSync(path, "1\n2\n3\n");
    assert.deepEqual(
      await Array.fromAsync(tailLog(path, { signal: AbortSignal.timeout(20) }), ({ record }) => record),
      [1, 2, 3],
    );
    assert.deepEqual(await Array.fromAsync(tailLog(path, { signal: AbortSignal.abort() })), []);
    assert.deepEqual(await Array.fromAsync(tailLines(path, { to: 2 }), ({ text }) => text), ["1", "2"]);
  });

  it("waits with an unfinished line until it is finished", async () => {
    const disk = crashDisk();
    const file = disk.openSync("/log.ndjson", "append");
    const write = (text: string): void => void file.writeSync(Buffer.from(text), 0);
    write('1\n{"half":');
    const reading = Array.fromAsync(
      tailLog("/log.ndjson", { fileSystem: disk, pollMs: 2, to: 3 }),
      ({ record }) => record,
    );
    await new Promise((resolve) => setTimeout(resolve, 10));
    write('"done"}\n3\n');
    assert.deepEqual(await reading, [1, { half: "done" }, 3]);
    file.closeSync();
    assert.equal(disk.openFiles, 0);
  });

  it("says so when the log is cut back behind what it gave", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "log.ndjson");
    writeFileSync(path, "1\n2\n3\n");
    const reading = tailLog(path, { pollMs: 5 });
    for (let index = 0; index < 3; index++) await reading.next();
    truncateSync(path, 4);
    await assert.rejects(async () => reading.next(), { code: "LOG_IO" });
  });
});
