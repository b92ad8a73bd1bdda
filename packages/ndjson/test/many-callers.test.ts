import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import type { FileSystem, SyncKind } from "@holdfast/fsutil";
import { crashDisk, type FaultCall, faultyFileSystem } from "@holdfast/fsutil/faults";
import { describe, it } from "vitest";
import { openLog, readLog } from "../src/index.ts";

const CALLERS = 600;
const EACH = 8;

/** A disk whose syncs take their time, so that callers run meanwhile. */
function slowToSync(disk: FileSystem, ms: number): FileSystem {
  return new Proxy(disk, {
    get(target, name) {
      if (name !== "openSync") return Reflect.get(target, name, target);
      return (...args: Parameters<FileSystem["openSync"]>) => {
        const file = target.openSync(...args);
        const sync = async (kind: SyncKind): Promise<void> => {
          await delay(ms);
          await file.sync(kind);
        };
        return { ...file, sync, syncSync: (kind: SyncKind) => file.syncSync(kind) };
      };
    },
  });
}

function isSyncOfLog({ operation, path }: FaultCall): boolean {
  return operation === "sync" && path.endsWith("log.ndjson");
}

/** Keeps the processor busy: many of these together take longer than a sync. */
function compute(): void {
  const end = performance.now() + 0.01;
  while (performance.now() < end);
}

describe("a log with very many callers, who run while others are synced", () => {
  it("acknowledges in the order on disk, and only what is synced, when any sync fails", async () => {
    let overlapped = 0;
    for (const at of [undefined, 4, 5, 6, 7, 8, 9]) {
      const disk = crashDisk();
      disk.mkdirSync("/s", 0o700);
      disk.syncDirectorySync("/");
      const failing = faultyFileSystem(disk, {
        ...(at === undefined ? {} : { at }),
        counts: isSyncOfLog,
        lasting: true,
      });
      const log = await openLog("/s/log.ndjson", { fileSystem: slowToSync(failing, 2) });
      const acknowledged: number[] = [];
      let refused = 0;
      const call = async (caller: number): Promise<void> => {
        for (let number = 0; number < EACH; number++) {
          const { position } = await log.append({ caller, number });
          acknowledged.push(position);
          compute();
        }
      };
      const settled = await Promise.allSettled(Array.from({ length: CALLERS }, (_, caller) => call(caller)));
      for (const { status } of settled) if (status === "rejected") refused++;
      assert.deepEqual(
        acknowledged,
        Array.from({ length: acknowledged.length }, (_, index) => index + 1),
      );
      assert.equal(refused, at === undefined ? 0 : CALLERS);
      if (failing.calls.length > EACH + 2) overlapped++;
      await log.close();
      const survived = disk.afterPowerLoss("synced");
      const found = await Array.fromAsync(
        readLog("/s/log.ndjson", { fileSystem: survived }),
        ({ position }) => position,
      );
      assert.ok(
        found.length >= acknowledged.length,
        `${acknowledged.length} acknowledged, ${found.length} found`,
      );
      if (at === undefined) assert.equal(found.length, CALLERS * EACH);
    }
    assert.ok(overlapped > 0, "callers ran while others were synced");
  });
});
