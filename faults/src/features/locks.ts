import assert from "node:assert/strict";
import { acquireLock, type FileSystem } from "@holdfast/fsutil";
import { type Claim, type FileStore, type Json, StoreFencedError } from "@holdfast/storage";
import { withDeadHolders } from "../dead-holders.ts";
import { type Feature, feature } from "../feature.ts";
import { checkVersion } from "../old-or-new.ts";
import { afterCrash, withStore } from "../simulated-store.ts";

const LOCK = "/run/lock";
const KEY = "runs/a/run";
const TIME = new Date("2026-01-02T03:04:05Z");

async function takeLock(fileSystem: FileSystem): Promise<number> {
  const lock = await acquireLock(LOCK, { fileSystem, now: () => TIME });
  const { token } = lock;
  lock.release();
  return token;
}

async function claimed(store: FileStore): Promise<Claim> {
  await store.work.offer("runs", "a", {});
  const [claim] = await store.work.claim("runs", "me", { id: "a" });
  return claim ?? assert.fail("nothing was claimed");
}

/** A write under a fence that is old must be refused. */
async function writeLate(store: FileStore, fence: Claim): Promise<void> {
  await assert.rejects(store.documents.put(KEY, "late", { fence }), StoreFencedError);
}

/** Who may write. */
export const LOCKS: readonly Feature[] = [
  feature<number, number>(
    "lock taken and given back",
    "it is free after a crash, and its numbers only grow",
    {
      workload: async ({ fileSystem, begin, acknowledge }) => {
        for (const token of [1, 2, 3]) {
          begin(token);
          acknowledge(await takeLock(fileSystem));
        }
      },
      recover: (disk) => takeLock(withDeadHolders(disk)),
      check: ({ recovered, acknowledged }) => {
        const last = acknowledged.at(-1) ?? 0;
        assert.ok(recovered > last, `number ${recovered} was given again, after ${last}`);
      },
    },
  ),
  feature<
    { readonly token: number; readonly value?: Json },
    { readonly token: number; value: Json | undefined }
  >(
    "claim and fence",
    "the next holder has a higher number, and nothing that is written under an older one gets through",
    {
      workload: ({ fileSystem, begin, acknowledge }) =>
        withStore(fileSystem, async (store) => {
          let old: Claim | undefined;
          for (const value of ["one", "two", "three"]) {
            const claim = await claimed(store);
            acknowledge({ token: claim.token });
            begin({ token: claim.token, value });
            await store.documents.put(KEY, value, { fence: claim });
            acknowledge({ token: claim.token, value });
            if (old !== undefined) await writeLate(store, old);
            old = claim;
            await store.work.settle(claim, "ready");
            await writeLate(store, claim);
          }
        }),
      recover: (disk) =>
        afterCrash(disk, async (store) => {
          const claim = await claimed(store);
          await writeLate(store, { ...claim, token: claim.token - 1 });
          await store.work.settle(claim, "ready");
          return { token: claim.token, value: (await store.documents.get(KEY))?.value };
        }),
      check: ({ recovered, begun, acknowledged }) => {
        for (const { token } of acknowledged)
          assert.ok(recovered.token > token, `number ${token} was given twice`);
        const values = acknowledged.flatMap(({ value }) => value ?? []);
        checkVersion(recovered.value, {
          begun: begun.flatMap(({ value }) => value ?? []),
          acknowledged: values,
        });
      },
    },
  ),
];
