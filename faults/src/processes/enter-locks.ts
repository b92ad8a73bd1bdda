// A process that enters and leaves a lock until it is ended, and tells a witness: enter-locks.ts KIND FOLDER. Without a kind it only loads.
import { join } from "node:path";
import { argv } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { acquireLock, type FileSystem, LockHeldError, nodeFileSystem } from "@holdfast/fsutil";
import { fileStore, StoreHeldError } from "@holdfast/storage";
import { Witness } from "./witness.ts";

const [, , kind = "", folder = ""] = argv;
let witness: Witness | undefined;

/** Stays inside for a moment, at times long enough to be killed or suspended there. */
async function inside(token: number, isLong = false): Promise<void> {
  witness ??= new Witness(folder);
  witness.enters(token);
  const luck = Math.random();
  if (isLong || luck < 0.1) await sleep(isLong || luck < 0.01 ? 40 : luck * 30);
  witness.leaves(token);
  // Whoever waits gets a chance; at times the same one comes again at once.
  if (Math.random() < 0.7) await new Promise((resolve) => setImmediate(resolve));
  if (Math.random() < 0.2) await sleep(Math.random() * 4);
}

/** `fileSystem`: with another one than the disk itself the kernel's lock is not used, the epoch files alone must do. */
async function enterLocks(fileSystem: FileSystem, isLong = false): Promise<never> {
  for (;;) {
    // Some wait as callers do, some come again and again.
    const waitMs = isLong || Math.random() < 0.2 ? Number.POSITIVE_INFINITY : 0;
    try {
      await using lock = await acquireLock(join(folder, "lock"), { waitMs, fileSystem });
      await inside(lock.token, isLong);
      lock.assertHeld();
    } catch (error) {
      if (!(error instanceof LockHeldError)) throw error;
      await sleep(Math.random() * 3);
    }
  }
}

/** Claims an item, writes under its fence, gives it back. */
async function enterClaims(): Promise<never> {
  await using store = fileStore(join(folder, "store"));
  await store.work.offer("runs", "r", {});
  for (;;) {
    let claims: Awaited<ReturnType<typeof store.work.claim>> = [];
    try {
      claims = await store.work.claim("runs", "w", { id: "r" });
    } catch (error) {
      if (!(error instanceof StoreHeldError)) throw error;
      await sleep(1 + Math.random() * 4);
    }
    for (const claim of claims) {
      await inside(claim.token);
      await store.documents.put("runs/r/run", { token: claim.token }, { fence: claim });
      await store.work.settle(claim, "ready");
    }
  }
}

/** Nobody is kept out: the witness has to see it. */
async function enterFreely(): Promise<never> {
  for (let token = 1; ; token++) await inside(token);
}

const kinds: Record<string, () => Promise<never>> = {
  long: () => enterLocks(nodeFileSystem, true),
  lock: () => enterLocks(nodeFileSystem),
  epochs: () => enterLocks({ ...nodeFileSystem }),
  claims: enterClaims,
  none: enterFreely,
};
await kinds[kind]?.();
