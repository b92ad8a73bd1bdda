import assert from "node:assert/strict";
import type { FileSystem } from "@holdfast/fsutil";
import {
  type CrashDisk,
  crashDisk,
  type FaultPlan,
  faultyFileSystem,
  type PowerLoss,
} from "@holdfast/fsutil/faults";
import { describe, it } from "vitest";
import { LogError } from "../src/errors.ts";
import { inspectLog, type Log, openLog, readLog, recoverTail } from "../src/index.ts";

const PATH = "/store/runs/r1/events.jsonl";
const KEPT: readonly PowerLoss[] = ["synced", "names", "everything"];

interface Told {
  /** Records whose append resolved, in the order of their acknowledgement. */
  readonly acknowledged: string[];
  /** Batches that were begun: all of a batch or nothing of it may be found. */
  readonly batches: string[][];
  /** Everything that was ever given to the log, in order. */
  readonly given: string[];
}

/** Appends alone, together, in batches, and over a rotation; keeps going after a failure, as a careless caller would. */
async function work(fileSystem: FileSystem, told: Told, round: string): Promise<void> {
  let log: Log | undefined;
  try {
    log = await openLog(PATH, { fileSystem, rotateBytes: 150, clock: () => 1_700_000_000_000_000n });
    const append = async (name: string): Promise<void> => {
      told.given.push(name);
      await log?.append(name);
      told.acknowledged.push(name);
    };
    const appendBatch = async (names: string[]): Promise<void> => {
      told.batches.push(names);
      told.given.push(...names);
      await log?.appendMany(names);
      told.acknowledged.push(...names);
    };
    await append(`${round}-first`);
    await Promise.allSettled([
      append(`${round}-a`),
      appendBatch([1, 2, 3].map((n) => `${round}-batch-${n}`)),
      append(`${round}-b`),
    ]);
    await Promise.allSettled([append(`${round}-${"long".repeat(12)}`), append(`${round}-c`)]);
    await appendBatch([4, 5].map((n) => `${round}-batch-${n}`));
    await append(`${round}-last`);
  } catch {
    // The disk is broken: what was acknowledged must hold all the same.
  } finally {
    await log?.close().catch(() => undefined);
  }
}

/** What must hold after any failure. */
async function check(disk: CrashDisk, told: Told, where: string): Promise<void> {
  if (disk.statSync("/store/runs/r1") === undefined) {
    assert.deepEqual(told.acknowledged, [], where);
    return;
  }
  const log = await openLog(PATH, { fileSystem: disk });
  const records = await Array.fromAsync(readLog(PATH, { fileSystem: disk }), ({ record }) => record);
  assert.equal(log.position, records.length, where);
  await log.close();
  assert.deepEqual(
    records.filter((record) => told.acknowledged.includes(String(record))),
    told.acknowledged,
    `${where}: every acknowledged record, once, in order`,
  );
  assert.deepEqual(
    records,
    told.given.filter((name) => records.includes(name)),
    `${where}: nothing twice, nothing out of order, nothing else`,
  );
  for (const batch of told.batches) {
    const found = batch.filter((name) => records.includes(name)).length;
    assert.ok(found === 0 || found === batch.length, `${where}: ${found} of the batch ${batch.join()}`);
  }
  assert.equal(disk.openFiles, 0, `${where}: files left open`);
}

/** Runs the work with a fault at its first call, its second, ... until a run is clean; gives how many calls there are. */
async function forEveryCall(
  plan: FaultPlan,
  inspect: (disk: CrashDisk, told: Told, where: string) => Promise<void>,
): Promise<number> {
  for (let at = 1; ; at++) {
    const disk = crashDisk();
    const told: Told = { acknowledged: [], batches: [], given: [] };
    const faulty = faultyFileSystem(disk, { ...plan, at });
    await work(faulty, told, "x");
    assert.equal(faulty.openFiles, 0, `call ${at}: files left open`);
    if (faulty.injected === 0) {
      assert.equal(told.acknowledged.length, 11, "a clean run acknowledges all");
      return at - 1;
    }
    const call = faulty.calls[at - 1];
    await inspect(disk, told, `call ${at} (${call?.operation} ${call?.path})`);
  }
}

describe("a log whose disk fails at any call", () => {
  for (const kept of KEPT) {
    it(`loses power there: acknowledged records are found (${kept})`, async () => {
      const calls = await forEveryCall({ lasting: true }, async (disk, told, where) => {
        await check(disk.afterPowerLoss(kept), told, where);
      });
      assert.ok(calls > 5, `${calls} calls`);
    });
  }

  it("loses power there, and again at every call of the recovery", async () => {
    const calls = await forEveryCall({ lasting: true }, async (disk, told, where) => {
      for (const kept of KEPT) {
        for (let at = 1; ; at++) {
          const restarted = disk.afterPowerLoss(kept);
          const again: Told = {
            acknowledged: [...told.acknowledged],
            batches: [...told.batches],
            given: [...told.given],
          };
          const dying = faultyFileSystem(restarted, { at, lasting: true });
          await openLog(PATH, { fileSystem: dying })
            .then((log) => log.close())
            .catch(() => undefined);
          if (dying.injected === 0) break;
          await check(restarted.afterPowerLoss(kept), again, `${where}, recovery call ${at}, ${kept}`);
        }
      }
    });
    assert.ok(calls > 5, `${calls} calls`);
  });

  it("loses power in a short write at any call", async () => {
    const calls = await forEveryCall(
      { shortWrites: true, counts: ({ operation }) => operation === "write", lasting: true },
      async (disk, told, where) => {
        for (const kept of KEPT) await check(disk.afterPowerLoss(kept), told, where);
      },
    );
    assert.ok(calls > 5, `${calls} calls`);
  });

  for (const errno of ["EIO", "ENOSPC", "EDQUOT", "EROFS"]) {
    for (const lasting of [false, true]) {
      it(`answers ${errno} ${lasting ? "from then on" : "once"}: acknowledged records are found, and later rounds go on`, async () => {
        const calls = await forEveryCall({ errno, lasting }, async (disk, told, where) => {
          await work(disk, told, "y");
          assert.equal(told.acknowledged.at(-1), "y-last", where);
          await check(disk, told, where);
        });
        assert.ok(calls > 5, `${calls} calls`);
      });
    }
  }

  it("does a write or a rename and then answers EIO: nothing is lost, doubled or out of order", async () => {
    const calls = await forEveryCall({ afterEffect: true }, async (disk, told, where) => {
      await work(disk, told, "y");
      assert.equal(told.acknowledged.at(-1), "y-last", where);
      await check(disk, told, where);
    });
    assert.ok(calls > 5, `${calls} calls`);
  });
});

async function openWithFault(plan: FaultPlan): Promise<{ disk: CrashDisk; log: Log; arm: () => void }> {
  const disk = crashDisk();
  disk.mkdirSync("/store", 0o700);
  let armed = false;
  const fileSystem = faultyFileSystem(disk, {
    at: 1,
    ...plan,
    counts: (call) => armed && (plan.counts?.(call) ?? true),
  });
  const log = await openLog("/store/a.ndjson", { fileSystem });
  await log.append("good");
  return {
    disk,
    log,
    arm: () => {
      armed = true;
    },
  };
}

describe("a failed write or sync", () => {
  it("of a sync is final: nothing since the last good one is acknowledged, though a second sync would succeed", async () => {
    const { disk, log, arm } = await openWithFault({ counts: ({ operation }) => operation === "sync" });
    arm();
    const settled = await Promise.allSettled([log.append("a"), log.append("b")]);
    for (const result of settled) {
      assert.ok(result.status === "rejected" && result.reason instanceof LogError);
      assert.equal(result.reason.code, "LOG_IO");
    }
    await assert.rejects(log.append("c"), { code: "LOG_FAILED" });
    await assert.rejects(log.flush(), { code: "LOG_FAILED" });
    assert.equal(log.position, 1);
    await log.close();
    // What the failed sync left in memory is not trusted: it is cut off.
    assert.equal(disk.text("/store/a.ndjson"), '"good"\n');
  });

  it("of a full disk rejects with LOG_NO_SPACE and leaves whole records; with room again, a new log goes on", async () => {
    for (const plan of [
      { errno: "ENOSPC" },
      { shortWrites: true, lasting: true, errno: "ENOSPC" },
      { errno: "EDQUOT" },
    ]) {
      const { disk, log, arm } = await openWithFault({
        ...plan,
        counts: ({ operation }) => operation === "write",
      });
      arm();
      await assert.rejects(log.append("does not fit"), { code: "LOG_NO_SPACE" });
      await assert.rejects(log.append("x"), { code: "LOG_FAILED" });
      await log.close();
      assert.equal(disk.text("/store/a.ndjson"), '"good"\n');
      await using again = await openLog("/store/a.ndjson", { fileSystem: disk });
      assert.equal(again.repair, undefined);
      assert.equal((await again.append("fits")).position, 2);
    }
  });

  it("of a short write is made good when the rest can be written", async () => {
    const { disk, log, arm } = await openWithFault({
      shortWrites: true,
      counts: ({ operation }) => operation === "write",
    });
    arm();
    await log.append("in two pieces");
    assert.equal(disk.text("/store/a.ndjson"), '"good"\n"in two pieces"\n');
    await log.close();
  });

  it("leaves bytes of another writer alone", async () => {
    const { disk, log, arm } = await openWithFault({ counts: ({ operation }) => operation === "sync" });
    arm();
    const waiting = log.append("a");
    waiting.catch(() => undefined);
    queueMicrotask(() => {
      process.nextTick(() => {
        const other = disk.openSync("/store/a.ndjson", "append");
        other.writeSync(Buffer.from('"of another writer, who is right to be here"\n'), 0);
        other.closeSync();
      });
    });
    await assert.rejects(waiting);
    await log.close();
    assert.match(disk.text("/store/a.ndjson") ?? "", /"of another writer, who is right to be here"\n$/);
  });
});

describe("recoverTail()", () => {
  it("repeated after a crash at any call keeps the torn bytes once, and the log ends whole", async () => {
    for (const tear of ['{"torn":', "\0".repeat(5000), `\0\u0001${"\ufffd\u0002".repeat(40)}\n{"x"`]) {
      for (let at = 1; ; at++) {
        const disk = crashDisk();
        disk.mkdirSync("/s", 0o700);
        disk.syncDirectorySync("/");
        const file = disk.openSync("/s/l.ndjson", "append");
        file.writeSync(Buffer.from(`{"a":1}\n{"b":2}\n${tear}`), 0);
        file.syncSync("full");
        file.closeSync();
        disk.syncDirectorySync("/s");
        const dying = faultyFileSystem(disk, { at, lasting: true });
        await recoverTail("/s/l.ndjson", { fileSystem: dying }).catch(() => undefined);
        for (const kept of KEPT) {
          const restarted = disk.afterPowerLoss(kept);
          await recoverTail("/s/l.ndjson", { fileSystem: restarted });
          assert.equal(restarted.text("/s/l.ndjson"), '{"a":1}\n{"b":2}\n');
          assert.equal(restarted.text("/s/l.ndjson.corrupt"), tear);
          const report = await inspectLog("/s/l.ndjson", { fileSystem: restarted });
          assert.deepEqual([report.records, report.torn, report.damagedCount], [2, undefined, 0]);
        }
        if (dying.injected === 0) break;
      }
    }
  });
});
