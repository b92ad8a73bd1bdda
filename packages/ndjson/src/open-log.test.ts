import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, readFileSync, renameSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { nodeFileSystem } from "@holdfast/fsutil";
import { faultyFileSystem } from "@holdfast/fsutil/faults";
import { temporaryFolder } from "@holdfast/test-kit";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { LogError } from "./errors.ts";
import { listLogFiles } from "./log-files.ts";
import { openLog } from "./open-log.ts";
import { readLines, readLog } from "./read-log.ts";

async function recordsOf(path: string): Promise<unknown[]> {
  return Array.fromAsync(readLog(path), ({ record }) => record);
}

describe("openLog()", () => {
  it("append() writes one compact line and says where it is", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "a", "b", "log.ndjson");
    await using log = await openLog(path);
    assert.deepEqual(await log.append({ a: "ü", b: [1, null] }), { position: 1, offset: 0, length: 23 });
    assert.deepEqual(await log.append({}), { position: 2, offset: 24, length: 2 });
    assert.equal(readFileSync(path, "utf8"), '{"a":"ü","b":[1,null]}\n{}\n');
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(statSync(join(folder.path, "a")).mode & 0o777, 0o700);
    assert.equal(log.position, 2);
    assert.equal(log.size, 27);
    assert.equal(log.pendingBytes, 0);
  });

  it("append() of many callers shares one write and one sync, and acknowledges in the order on disk", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "log.ndjson");
    const counted = faultyFileSystem(nodeFileSystem, {
      counts: ({ operation, path: at }) => at === path && (operation === "write" || operation === "sync"),
    });
    await using log = await openLog(path, { fileSystem: counted });
    const before = counted.calls.length;
    const acknowledged: number[] = [];
    await Promise.all(
      Array.from({ length: 1000 }, async (_, index) => {
        const { position } = await log.append({ index });
        acknowledged.push(position);
        await log.append({ again: index });
      }),
    );
    assert.deepEqual(
      acknowledged,
      Array.from({ length: 1000 }, (_, index) => index + 1),
    );
    const operations = counted.calls.slice(before).map(({ operation }) => operation);
    // 2,000 records: two groups, or a few more where callers run while a sync is under way.
    assert.ok(operations.length >= 4 && operations.length <= 12, operations.join());
    assert.ok(operations.every((operation, index) => operation === (index % 2 === 0 ? "write" : "sync")));
    const records = await recordsOf(path);
    assert.equal(records.length, 2000);
    assert.deepEqual(records[999], { index: 999 });
  });

  it("append() does not resolve before its sync", async () => {
    using folder = temporaryFolder();
    let syncs = 0;
    const slow = faultyFileSystem(nodeFileSystem, {
      counts: ({ operation }) => operation === "sync",
      beforeCall: () => syncs++,
    });
    await using log = await openLog(join(folder.path, "log.ndjson"), { fileSystem: slow });
    const before = syncs;
    await log.append(1);
    assert.equal(syncs, before + 1);
    await log.append(2);
    assert.equal(syncs, before + 2);
  });

  it("openLog() again continues the positions, rotated files included", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "events.jsonl");
    for (let round = 0; round < 5; round++) {
      await using log = await openLog(path, { rotateBytes: 30 });
      for (let index = 1; index <= 3; index++) {
        assert.equal((await log.append({ round, index })).position, round * 3 + index);
      }
    }
    assert.ok(listLogFiles(path).length > 5);
    assert.equal((await recordsOf(path)).length, 15);
  });

  it("appendMany() keeps a batch together, and an empty one writes nothing", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "log.ndjson");
    await using log = await openLog(path);
    const [first, batch, last] = await Promise.all([
      log.append("first"),
      log.appendMany([1, 2, 3]),
      log.append("last"),
    ]);
    assert.equal(first.position, 1);
    assert.deepEqual(batch, { position: 4, offset: 12, length: 1 });
    assert.equal(last.position, 5);
    assert.deepEqual(await log.appendMany([]), { position: 5, offset: log.size, length: 0 });
    assert.deepEqual(await recordsOf(path), ["first", 1, 2, 3, "last"]);
  });

  it("append({expected}) writes only at that position, and says the actual one", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "log.ndjson");
    await using log = await openLog(path);
    await log.append("a", { expected: 0 });
    const settled = await Promise.allSettled([
      log.append("b", { expected: 1 }),
      log.append("lost", { expected: 1 }),
      log.append("c", { expected: 2 }),
    ]);
    assert.deepEqual(
      settled.map(({ status }) => status),
      ["fulfilled", "rejected", "fulfilled"],
    );
    await assert.rejects(log.append("lost", { expected: 1 }), {
      code: "LOG_CONFLICT",
      expected: 1,
      actual: 3,
    });
    assert.deepEqual(await recordsOf(path), ["a", "b", "c"]);
  });

  it("beforeAcknowledge that throws before the write refuses that append alone", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "log.ndjson");
    await using log = await openLog(path);
    const fenced = new Error("fenced off");
    await assert.rejects(
      log.append("late", {
        beforeAcknowledge: () => {
          throw fenced;
        },
      }),
      fenced,
    );
    await log.append("fine");
    assert.deepEqual(await recordsOf(path), ["fine"]);
  });

  it("beforeAcknowledge that throws after the sync acknowledges nothing, cuts nothing, and ends the log", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "log.ndjson");
    let held = true;
    const fenced = new Error("fenced off");
    const losing = faultyFileSystem(nodeFileSystem, {
      counts: ({ operation, path: at }) => operation === "sync" && at === path,
      beforeCall: ({ number }) => {
        if (number > 1) held = false;
      },
    });
    await using log = await openLog(path, {
      fileSystem: losing,
      beforeAcknowledge: () => {
        if (!held) throw fenced;
      },
    });
    await log.append("fine");
    await assert.rejects(log.append("late"), fenced);
    await assert.rejects(log.append("later"), { code: "LOG_FAILED" });
    assert.equal(log.position, 1);
    assert.equal(readFileSync(path, "utf8"), '"fine"\n"late"\n');
  });

  it("beforeAcknowledge tells why where the next holder wrote already, between the check and the write", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "log.ndjson");
    await using log = await openLog(path);
    await log.append("fine");
    const fenced = new Error("fenced off");
    let checks = 0;
    const beforeAcknowledge = () => {
      checks += 1;
      if (checks > 1) throw fenced;
      appendFileSync(path, '"theirs"\n');
    };
    await assert.rejects(log.append("late", { beforeAcknowledge }), fenced);
    assert.deepEqual(await recordsOf(path), ["fine", "theirs"]);
  });

  it("openLog() twice in one process rejects with LOG_HELD, until the first is closed", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "log.ndjson");
    const log = await openLog(path);
    await assert.rejects(openLog(join(folder.path, ".", "log.ndjson")), { code: "LOG_HELD", path });
    await log.close();
    await (await openLog(path)).close();
  });

  it("close() waits for what was appended, is fine twice, and append() after it rejects with LOG_CLOSED", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "log.ndjson");
    const counted = faultyFileSystem(nodeFileSystem);
    const log = await openLog(path, { fileSystem: counted });
    const waiting = log.append("kept");
    await Promise.all([log.close(), log.close()]);
    assert.equal((await waiting).position, 1);
    await assert.rejects(log.append("late"), { code: "LOG_CLOSED", path });
    await assert.rejects(log.flush(), { code: "LOG_CLOSED" });
    assert.equal(counted.openFiles, 0);
    assert.deepEqual(await recordsOf(path), ["kept"]);
  });

  it("append() refuses a line over maxLineBytes before a byte is written, and the log goes on", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "log.ndjson");
    await using log = await openLog(path, { maxLineBytes: 10 });
    await log.append("12345678");
    await assert.rejects(log.append("123456789"), { code: "LOG_LINE_TOO_LONG" });
    await assert.rejects(log.append("üüüüü"), { code: "LOG_LINE_TOO_LONG" });
    await assert.rejects(log.appendMany(["ok", "123456789"]), { code: "LOG_LINE_TOO_LONG" });
    await log.append("x");
    assert.deepEqual(await recordsOf(path), ["12345678", "x"]);
  });

  it("append() refuses what JSON would drop or change, with the place of it", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "log.ndjson");
    await using log = await openLog(path);
    const cyclic: Record<string, unknown> = {};
    cyclic["self"] = cyclic;
    let deep: unknown = 0;
    for (let depth = 0; depth < 100_000; depth++) deep = [deep];
    const refused: readonly (readonly [unknown, RegExp])[] = [
      [undefined, /\$ is no value of JSON/],
      [() => 1, /\$ is no value of JSON/],
      [{ a: { b: [1, Number.NaN] } }, /\$\.a\.b\[1\] is NaN/],
      [{ a: Number.POSITIVE_INFINITY }, /\$\.a is Infinity/],
      [{ a: () => 1 }, /\$\.a is a function/],
      [[undefined], /\$\[0\] is undefined/],
      [{ m: new Map() }, /\$\.m is a Map/],
      [{ b: new Uint8Array(2) }, /\$\.b is a Uint8Array/],
      [{ n: 1n }, /BigInt/],
      [cyclic, /circular/],
      [deep, /nested too deeply/],
    ];
    for (const [record, message] of refused) {
      await assert.rejects(
        log.append(record),
        (error: Error) => error instanceof TypeError && message.test(error.message),
      );
    }
    await log.append({ gone: undefined, date: new Date(0) });
    assert.equal(readFileSync(path, "utf8"), '{"date":"1970-01-01T00:00:00.000Z"}\n');
  });

  it("appendText() keeps the text byte for byte, and refuses what a line cannot hold", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "transcript.txt");
    await using log = await openLog(path, { format: "text" });
    await assert.rejects(log.appendText("a\nb"), TypeError);
    await assert.rejects(log.appendText("\ud800"), TypeError);
    await assert.rejects(log.append({}), TypeError);
    const line = fc
      .string({ unit: "grapheme" })
      .filter((text) => !text.includes("\n") && text.isWellFormed());
    const written: string[] = [];
    await fc.assert(
      fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 5 }), async (texts) => {
        await log.appendTexts(texts);
        written.push(...texts);
      }),
      { numRuns: 40 },
    );
    await log.appendText("\ufeff a\r");
    assert.deepEqual(await Array.fromAsync(readLines(path), ({ text }) => text), [...written, "\ufeff a\r"]);
  });

  it("append() fails for good when another program changed, replaced or removed the file", async () => {
    using folder = temporaryFolder();
    const changes: readonly ((path: string) => void)[] = [
      (path) => appendFileSync(path, "foreign\n"),
      (path) => writeFileSync(path, ""),
      (path) => renameSync(path, `${path}.moved`),
    ];
    for (const [index, change] of changes.entries()) {
      const path = join(folder.path, `log-${index}.ndjson`);
      await using log = await openLog(path);
      await log.append("mine");
      change(path);
      await delay(30); // the name is looked up now and then, not before each write
      await assert.rejects(log.append("lost"), { code: "LOG_IO" });
      await assert.rejects(log.append("lost"), { code: "LOG_FAILED" });
    }
    assert.equal(readFileSync(join(folder.path, "log-0.ndjson"), "utf8"), '"mine"\nforeign\n');
  });

  it("openLog() refuses a symlink, a folder and a FIFO", async () => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, "target"), "");
    symlinkSync(join(folder.path, "target"), join(folder.path, "link"));
    execFileSync("mkfifo", [join(folder.path, "fifo")]);
    for (const name of ["link", "fifo", "."]) {
      await assert.rejects(openLog(join(folder.path, name)), { code: "LOG_IO" });
    }
  });

  it("durability batch resolves before the sync, which follows by itself; flush() and close() wait for it", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "log.ndjson");
    const counted = faultyFileSystem(nodeFileSystem, {
      counts: ({ operation, path: at }) => operation === "sync" && at === path,
    });
    const log = await openLog(path, { durability: "batch", syncIntervalMs: 5, fileSystem: counted });
    const before = counted.calls.length;
    for (let index = 0; index < 10; index++) await log.append(index);
    await log.flush();
    assert.equal(counted.calls.length >= before + 1 && counted.calls.length < before + 10, true);
    await log.append("last");
    while (counted.calls.length < before + 2) await new Promise((resolve) => setTimeout(resolve, 2));
    await log.append("closed");
    const atClose = counted.calls.length;
    await log.close();
    assert.equal(counted.calls.length, atClose + 1);
  });

  it("durability batch tells a failed background sync to the next one who asks", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "log.ndjson");
    const failing = faultyFileSystem(nodeFileSystem, {
      at: 1,
      counts: ({ operation, path: at }) => operation === "sync" && at === path,
    });
    const log = await openLog(path, { durability: "batch", syncIntervalMs: 1, fileSystem: failing });
    await log.append("written");
    while (failing.injected === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    await assert.rejects(log.close(), { code: "LOG_FAILED" });
  });

  it("an append of durability batch waits for no sync, beside others that do; a batch that is not whole needs no note", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "log.ndjson");
    const counted = faultyFileSystem(nodeFileSystem, {
      counts: ({ operation, path: at }) => operation === "sync" && at.startsWith(path),
    });
    await using log = await openLog(path, { syncIntervalMs: 60_000, fileSystem: counted });
    const before = counted.calls.length;
    const written = { durability: "batch", whole: false } as const;
    for (let index = 0; index < 10; index++) await log.appendMany([index, index], written);
    assert.equal(counted.calls.length, before);
    await Promise.all([log.append("written", written), log.append("synced")]);
    assert.equal(counted.calls.length, before + 1);
    await log.appendMany([1, 2], { durability: "batch" }); // whole: its note is synced, and it is not
    assert.equal(counted.calls.length, before + 2);
    await log.flush();
    assert.equal(counted.calls.length, before + 3);
    assert.equal(log.failed, false);
  });

  it("after a sync of an append failed, so is the log", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "log.ndjson");
    const failing = faultyFileSystem(nodeFileSystem, {
      at: 1,
      counts: ({ operation, path: at }) => operation === "sync" && at === path,
    });
    const log = await openLog(path, { fileSystem: failing });
    await log.append("written", { durability: "batch" });
    await assert.rejects(log.flush(), { code: "LOG_IO" });
    assert.equal(log.failed, true);
    await assert.rejects(log.append("next", { durability: "batch" }), { code: "LOG_FAILED" });
    await log.close();
  });

  it("durability none never syncs", async () => {
    using folder = temporaryFolder();
    const counted = faultyFileSystem(nodeFileSystem, { counts: ({ operation }) => operation === "sync" });
    await using log = await openLog(join(folder.path, "log.ndjson"), {
      durability: "none",
      fileSystem: counted,
    });
    await log.append(1);
    await log.appendMany([2, 3]);
    await log.flush();
    assert.equal(counted.calls.length, 0);
  });

  it("ready() waits until little is pending, and pendingBytes tells how much", async () => {
    using folder = temporaryFolder();
    await using log = await openLog(join(folder.path, "log.ndjson"));
    const appends = Array.from({ length: 100 }, () => log.append("x".repeat(1000)));
    assert.equal(log.pendingBytes, 100 * 1003);
    await log.ready(10_000);
    assert.ok(log.pendingBytes <= 10_000);
    await Promise.all(appends);
  });

  it("append() of large groups and large lines keeps every byte", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "log.ndjson");
    await using log = await openLog(path, { durability: "none" });
    const sizes = [3_000_000, 10, 9_000_000, 70_000, 1_048_575, 1_048_576, 5];
    await Promise.all(sizes.map((size, index) => log.append(String(index).repeat(size))));
    const lengths = await Array.fromAsync(readLog(path), ({ record }) => String(record).length);
    assert.deepEqual(lengths, sizes);
  });

  it("seek() gives a place from which readLog() finds the position", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "log.ndjson");
    for (const start of [0, 2500]) {
      await using log = await openLog(path, { durability: "none" });
      await Promise.all(Array.from({ length: 2500 }, (_, index) => log.append({ n: start + index + 1 })));
      await log.appendMany(Array.from({ length: 0 }));
      for (const position of [1, 2, 1024, 1025, 2048, 2049, 2500, start + 2500]) {
        const at = log.seek(position);
        assert.ok(at !== undefined && at.position <= position);
        const [found] = await Array.fromAsync(readLog(path, { from: position, to: position, at }));
        assert.deepEqual(found?.record, { n: position });
        assert.equal(found?.line, position);
        assert.ok((found?.offset ?? Number.POSITIVE_INFINITY) - at.offset < 65_536);
      }
    }
  });

  it("checks its options before it touches the disk", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "deep", "log.ndjson");
    for (const options of [{ maxLineBytes: 0 }, { rotateBytes: 1.5 }, { syncIntervalMs: -1 }]) {
      await assert.rejects(openLog(path, options), RangeError);
    }
    await assert.rejects(openLog(path, { signal: AbortSignal.abort() }), { name: "AbortError" });
    assert.equal(nodeFileSystem.lstatSync(join(folder.path, "deep")), undefined);
  });

  it("reports errors of the system with code, path and cause", async () => {
    const error = await openLog("/proc/nowhere/log.ndjson").catch((reason: unknown) => reason);
    assert.ok(error instanceof LogError);
    assert.equal(error.code, "LOG_IO");
    assert.equal(error.path, "/proc/nowhere/log.ndjson");
    assert.ok(error.cause instanceof Error);
  });
});

describe("rotation", () => {
  it("never splits a line, never passes rotateBytes, and keeps every record in order", async () => {
    using folder = temporaryFolder();
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.nat({ max: 60 }), { minLength: 1, maxLength: 6 }), { maxLength: 12 }),
        fc.integer({ min: 1, max: 150 }),
        async (groups, rotateBytes) => {
          const path = join(folder.path, String(run++), "events.jsonl");
          await using log = await openLog(path, { rotateBytes, durability: "none" });
          const expected: string[] = [];
          for (const group of groups) {
            const texts = group.map((size) => "x".repeat(size));
            expected.push(...texts);
            await Promise.all(texts.map((text) => log.append(text)));
          }
          assert.deepEqual(await recordsOf(path), expected);
          for (const file of listLogFiles(path)) {
            const content = readFileSync(file, "utf8");
            assert.ok(content.length <= rotateBytes || content.indexOf("\n") === content.length - 1);
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  it("names files by the time, takes an ordinal when the second is taken, and goes on in order when the clock jumps back", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "events.jsonl");
    const noon = BigInt(Date.UTC(2026, 0, 2, 12)) * 1000n;
    writeFileSync(join(folder.path, "events_2026-01-02_12-00-00.jsonl"), '"taken"\n');
    writeFileSync(join(folder.path, "events_unrelated.jsonl"), "not ours");
    const times = [noon, noon + 400_000n, noon - 3_600_000_000n, noon + 5_000_000n];
    let tick = 0;
    await using log = await openLog(path, { rotateBytes: 1, clock: () => times[tick++] ?? noon });
    for (const text of ["a", "b", "c", "d", "e"]) await log.append(text);
    assert.deepEqual(
      listLogFiles(path).map((file) => file.slice(folder.path.length + 1)),
      [
        "events_2026-01-02_12-00-00.jsonl",
        "events_2026-01-02_12-00-00_002.jsonl",
        "events_2026-01-02_12-00-00_003.jsonl",
        "events_2026-01-02_12-00-00_004.jsonl",
        "events_2026-01-02_12-00-05.jsonl",
        "events.jsonl",
      ],
    );
    assert.deepEqual(await recordsOf(path), ["taken", "a", "b", "c", "d", "e"]);
  });
});
