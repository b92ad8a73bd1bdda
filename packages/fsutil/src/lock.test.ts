import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { temporaryFolders } from "@holdfast/test-kit";
import { describe, expect, it } from "vitest";
import { FileError } from "./errors.ts";
import { faultyFileSystem } from "./faulty-file-system.ts";
import { acquireLock, breakLock, readLockHolder } from "./lock.ts";
import { nodeFileSystem } from "./node-file-system.ts";

const temporaryFolder = temporaryFolders();

const clock = () => new Date("2026-01-02T03:04:05.678Z");

describe("acquireLock()", () => {
  it("excludes a second caller in the same process and lets it in after release()", async () => {
    const folder = join(temporaryFolder(), "a", "lock");
    const lock = await acquireLock(folder, { worker: "me", now: clock });
    expect(lock.holder).toMatchObject({
      token: 1,
      pid: process.pid,
      worker: "me",
      since: "2026-01-02T03:04:05.678Z",
      kernel_lock: true,
    });
    await expect(acquireLock(folder)).rejects.toMatchObject({
      code: "LOCK_HELD",
      holder: lock.holder,
      path: folder,
    });
    expect(await readLockHolder(folder)).toEqual(lock.holder);
    lock.assertHeld();
    lock.release();
    lock.release();
    expect(lock.isHeld()).toBe(false);
    expect(() => lock.assertHeld()).toThrow(expect.objectContaining({ code: "LOCK_LOST" }));
    expect(await readLockHolder(folder)).toBeUndefined();
    await using next = await acquireLock(folder);
    expect(next.token).toBe(2);
  });

  it("excludes a caller in another thread", async () => {
    const folder = join(temporaryFolder(), "lock");
    await using lock = await acquireLock(folder);
    const code = `
      import { parentPort } from "node:worker_threads";
      import { acquireLock } from ${JSON.stringify(new URL("./lock.ts", import.meta.url).href)};
      parentPort.postMessage(await acquireLock(${JSON.stringify(folder)}).then(() => "taken", (error) => error.code));`;
    const url = new URL(`data:text/javascript,${encodeURIComponent(code)}`);
    const worker = new Worker(url);
    expect(
      await new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject)),
    ).toBe("LOCK_HELD");
    await worker.terminate();
    // The thread's end closed its database: had the kernel's lock gone with it, the epoch would still say no.
    lock.assertHeld();
    await expect(acquireLock(folder)).rejects.toMatchObject({ code: "LOCK_HELD" });
  });

  it("keeps the lock when somebody in this process opens and closes the kernel's file and so drops its lock", async () => {
    const folder = join(temporaryFolder(), "lock");
    await using lock = await acquireLock(folder);
    fs.closeSync(fs.openSync(join(folder, "kernel.db"), "r+"));
    await expect(acquireLock(folder)).rejects.toMatchObject({
      code: "LOCK_HELD",
      holder: { token: lock.token },
    });
    lock.assertHeld();
  });

  it("waits for waitMs, and no longer than its signal lets it", async () => {
    const folder = join(temporaryFolder(), "lock");
    const lock = await acquireLock(folder);
    await expect(acquireLock(folder, { waitMs: 60 })).rejects.toMatchObject({ code: "LOCK_HELD" });
    const controller = new AbortController();
    const waiting = acquireLock(folder, { waitMs: Number.POSITIVE_INFINITY, signal: controller.signal });
    setTimeout(() => controller.abort(new Error("enough")), 20);
    await expect(waiting).rejects.toThrow("enough");
    await expect(acquireLock(folder, { signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow(
      "enough",
    );
    const patient = acquireLock(folder, { waitMs: 10_000 });
    setTimeout(() => lock.release(), 20);
    (await patient).release();
    await expect(acquireLock(folder, { waitMs: -1 })).rejects.toThrow(RangeError);
    await expect(acquireLock(folder, { waitMs: Number.NaN })).rejects.toThrow(RangeError);
  });

  it("gives tokens that only grow, one holder at a time, to many callers at once", async () => {
    const folder = join(temporaryFolder(), "lock");
    let inside = 0;
    const tokens: number[] = [];
    await Promise.all(
      Array.from({ length: 12 }, async () => {
        for (let time = 0; time < 3; time++) {
          await using lock = await acquireLock(folder, { waitMs: 30_000 });
          expect(++inside).toBe(1);
          tokens.push(lock.token);
          await new Promise(setImmediate);
          inside--;
        }
      }),
    );
    expect(tokens).toEqual(Array.from({ length: 36 }, (_, index) => index + 1));
  });

  it("keeps few files, private ones, and never reuses a token, also where old epochs are gone", async () => {
    const folder = join(temporaryFolder(), "lock");
    for (let token = 1; token <= 40; token++) {
      await using lock = await acquireLock(folder);
      expect(lock.token).toBe(token);
    }
    const names = fs.readdirSync(folder);
    expect(names.length).toBeLessThan(24);
    expect(names.filter((name) => name.includes(".tmp."))).toEqual([]);
    for (const name of names) expect(fs.statSync(join(folder, name)).mode & 0o777).toBe(0o600);
    expect(fs.statSync(folder).mode & 0o7777).toBe(0o700);
  });

  it("survives an error of every call of taking and releasing: never two holders, never stuck, never a token twice", async () => {
    for (const plan of [
      { errno: "EIO" },
      { errno: "ENOSPC" },
      { errno: "EIO", lasting: true },
      { errno: "EIO", afterEffect: true },
    ]) {
      const folder = join(temporaryFolder(), "lock");
      const seen = new Set<number>();
      for (let at = 1; ; at++) {
        const disk = faultyFileSystem(nodeFileSystem, { ...plan, at });
        try {
          const lock = await acquireLock(folder, { fileSystem: disk });
          expect(seen.has(lock.token)).toBe(false);
          seen.add(lock.token);
          await expect(acquireLock(folder)).rejects.toMatchObject({ code: "LOCK_HELD" });
          lock.release();
        } catch (error) {
          assert.ok(error instanceof FileError, String(error));
        }
        expect(disk.openFiles).toBe(0);
        // The process lives, so where its word "released" could not be written its epoch stands: a person breaks it, or it ends.
        const holder = await readLockHolder(folder);
        if (holder !== undefined) {
          assert.ok(disk.injected > 0);
          fs.linkSync(join(folder, `epoch-${holder.token}`), join(folder, `epoch-${holder.token}.released`));
        }
        const next = await acquireLock(folder);
        assert.ok(!seen.has(next.token), `call ${at}`);
        seen.add(next.token);
        next.release();
        if (disk.injected === 0) break;
      }
    }
  });

  it("gives nothing to a caller that was suspended before its claim until its number was cleaned up", async () => {
    const folder = join(temporaryFolder(), "lock");
    (await acquireLock(folder)).release();
    let overtaken = false;
    // Without the kernel's lock: that one would have kept the others out meanwhile.
    const slow = {
      ...nodeFileSystem,
      linkSync(existing: string, path: string) {
        if (!overtaken && path.endsWith("epoch-2")) {
          overtaken = true;
          for (let token = 12; token <= 20; token++) {
            fs.copyFileSync(join(folder, "epoch-1"), join(folder, `epoch-${token}`));
            if (token < 20) fs.copyFileSync(join(folder, "epoch-1"), join(folder, `epoch-${token}.released`));
          }
          fs.rmSync(join(folder, "epoch-1"));
          fs.rmSync(join(folder, "epoch-1.released"));
        }
        nodeFileSystem.linkSync(existing, path);
      },
    };
    await expect(acquireLock(folder, { fileSystem: slow })).rejects.toMatchObject({
      code: "LOCK_HELD",
      holder: { token: 20 },
    });
    assert.ok(overtaken);
    fs.copyFileSync(join(folder, "epoch-20"), join(folder, "epoch-20.released"));
    await using lock = await acquireLock(folder, { fileSystem: slow });
    expect(lock.token).toBe(21);
  });

  it("loads node:sqlite without a word on stderr and leaves process.emitWarning as it was", async () => {
    const before = Object.getOwnPropertyDescriptor(process, "emitWarning");
    const lock = await acquireLock(join(temporaryFolder(), "lock"));
    lock.release();
    expect(Object.getOwnPropertyDescriptor(process, "emitWarning")).toEqual(before);
  });
});

describe("breakLock()", () => {
  it("refuses while the holder runs on this machine, and for an epoch that is not the newest", async () => {
    const folder = join(temporaryFolder(), "lock");
    await using lock = await acquireLock(folder);
    await expect(breakLock(folder, { token: lock.token })).rejects.toMatchObject({
      code: "LOCK_HELD",
      holder: lock.holder,
    });
    lock.assertHeld();
  });
});

describe("readLockHolder()", () => {
  it("finds nobody where there is no folder", async () => {
    expect(await readLockHolder(join(temporaryFolder(), "none"))).toBeUndefined();
  });
});
