import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { env } from "node:process";
import { nodeFileSystem } from "@holdfast/fsutil";
import { type FaultCall, type FaultPlan, faultyFileSystem } from "@holdfast/fsutil/faults";
import { fileStore } from "@holdfast/storage";
import { temporaryFolder } from "@holdfast/test-kit";
import { describe, it } from "vitest";
import { EventError, eventLog, openEventStream } from "../src/index.ts";
import { action } from "./events.ts";

const EVENTS = 9;

const LOOKS = new Set<string>(["read", "readdir", "stat", "lstat", "realpath", "fstat"]);
const isChange = ({ operation }: FaultCall): boolean => !LOOKS.has(operation);
// Calls that only look are many, and tried in the long run.
const counts = env["HOLDFAST_LONG"] === undefined ? isChange : (): boolean => true;

/** Emits in bursts over rotations, with a fault on the way. Says whether the fault was reached. */
async function tryWith(plan: FaultPlan): Promise<boolean> {
  using folder = temporaryFolder();
  const fileSystem = faultyFileSystem(nodeFileSystem, plan);
  let durable = 0;
  {
    const store = fileStore(folder.path, { fileSystem, writerWaitMs: 0 });
    const stream = await openEventStream(store, "r", { rotateBytes: 700 });
    let isClosing = false;
    try {
      for (let turn = 1; turn <= EVENTS; turn += 1) {
        stream.emit(action(turn));
        if (turn % 3 !== 0) continue;
        await (turn % 2 === 0 ? stream.drain() : stream.flush());
        if (turn % 2 !== 0) durable = turn;
      }
      isClosing = true;
      await stream.close();
      durable = EVENTS;
    } catch (error) {
      assert.ok(error instanceof EventError && error.code === "EVENT_WRITE_FAILED", String(error));
      if (!isClosing) assert.equal(stream.emit(action(99)), undefined);
      await assert.rejects(stream.flush(), error);
      await stream.close().catch((again: unknown) => assert.equal(again, error));
    }
    const { emitted, kept, dropped } = stream.stats;
    assert.equal(kept + dropped, emitted);
    await store.close().catch(() => undefined);
  }
  // By then the process with the bad disk has ended; here it has not, and may have been unable to give its lock back.
  rmSync(folder.file("index/locks"), { recursive: true, force: true });
  await using store = fileStore(folder.path);
  const log = eventLog(store, "r");
  const before = (await Array.fromAsync(log.select())).map(({ turn_number }) => turn_number);
  // What is there is a beginning of what was emitted, at least as far as was acknowledged.
  assert.deepEqual(
    before,
    Array.from({ length: before.length }, (_, index) => index + 1),
  );
  assert.ok(before.length >= durable, `${before.length} of ${durable}`);
  const stream = await openEventStream(store, "r");
  stream.emit(action(100));
  await stream.close();
  const { total, corrupt_lines } = await log.count();
  assert.deepEqual([total, corrupt_lines], [before.length + 1, 0]);
  return fileSystem.injected > 0;
}

describe("a disk that fails at any call of a stream", { timeout: 120_000 }, () => {
  it.each<[string, FaultPlan]>([
    ["with EIO, once", { errno: "EIO", counts }],
    ["with EIO, from then on", { errno: "EIO", lasting: true, counts }],
    ["full, from then on", { errno: "ENOSPC", lasting: true, counts: isChange }],
    ["with half a write", { shortWrites: true, counts: ({ operation }) => operation === "write" }],
    ["with a sync that fails once", { counts: ({ operation }) => operation === "sync" }],
  ])("%s: nothing acknowledged is lost, nothing is invented, and the process lives", async (_, plan) => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown): unknown => unhandled.push(reason);
    process.on("unhandledRejection", note);
    try {
      for (let at = 1; await tryWith({ ...plan, at }); at += 1) assert.ok(at < 2_000);
      assert.deepEqual(unhandled, []);
    } finally {
      process.off("unhandledRejection", note);
    }
  });
});
