import assert from "node:assert/strict";
import { type Json, StoreError } from "@holdfast/storage";
import { type Feature, feature } from "../feature.ts";
import { checkVersion } from "../old-or-new.ts";
import { afterCrash, withStore } from "../simulated-store.ts";

const KEY = "runs/a/run";
const LARGE = "x".repeat(300_000);

async function gather(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of bytes) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

/** The store's documents, objects and queues. */
export const STORE: readonly Feature[] = [
  feature<Json, Json | undefined>("document put", "old or new value, and a revision that still compares", {
    setup: (disk) => withStore(disk, async (store) => void (await store.documents.put(KEY, 0))),
    workload: ({ fileSystem, begin, acknowledge }) =>
      withStore(fileSystem, async (store) => {
        let revision = (await store.documents.get(KEY))?.revision ?? null;
        for (const value of [1, 2, 3]) {
          begin(value);
          ({ revision } = await store.documents.put(KEY, value, { expected: revision }));
          acknowledge(value);
        }
      }),
    recover: (disk) => afterCrash(disk, async (store) => (await store.documents.get(KEY))?.value),
    check: ({ recovered, ...promised }) => checkVersion(recovered, promised, 0),
  }),
  feature<string, Json | undefined>("document deleted and put again", "gone or there, as acknowledged last", {
    setup: (disk) => withStore(disk, async (store) => void (await store.documents.put(KEY, "there"))),
    workload: ({ fileSystem, begin, acknowledge }) =>
      withStore(fileSystem, async (store) => {
        begin("gone");
        await store.documents.delete(KEY);
        acknowledge("gone");
        begin("large");
        await store.documents.put(KEY, LARGE);
        acknowledge("large");
      }),
    recover: (disk) => afterCrash(disk, async (store) => (await store.documents.get(KEY))?.value),
    check: ({ recovered, ...promised }) =>
      checkVersion(
        recovered === undefined ? "gone" : recovered === LARGE ? "large" : recovered,
        promised,
        "there",
      ),
  }),
  feature<string, string[]>("objects put", "contents by checksum, each whole and once", {
    workload: ({ fileSystem, begin, acknowledge }) =>
      withStore(fileSystem, async (store) => {
        for (const content of ["one", LARGE, "one"]) {
          begin(content);
          await store.objects.put(Buffer.from(content));
          acknowledge(content);
        }
      }),
    recover: (disk) =>
      afterCrash(disk, async (store) => {
        const found: string[] = [];
        for await (const { checksum } of store.objects.list())
          found.push(await gather(store.objects.get(checksum)));
        return found;
      }),
    check: ({ recovered, begun, acknowledged }) => {
      assert.equal(new Set(recovered).size, recovered.length);
      for (const content of acknowledged) assert.ok(recovered.includes(content), "an object is missing");
      for (const content of recovered) assert.ok(begun.includes(content), "an object nobody put");
    },
  }),
  feature<string, "none" | "ready" | "done">(
    "work offered, claimed, settled",
    "an item that is done is not given out again",
    {
      workload: ({ fileSystem, begin, acknowledge }) =>
        withStore(fileSystem, async (store) => {
          begin("ready");
          await store.work.offer("q", "x", { n: 1 });
          acknowledge("ready");
          const [claim] = await store.work.claim("q", "me", { id: "x" });
          if (claim === undefined) throw new StoreError("STORE_IO", "not claimed");
          begin("done");
          if (await store.work.settle(claim, "done")) acknowledge("done");
        }),
      recover: (disk) =>
        afterCrash(disk, async (store) => {
          const isNew = await store.work.offer("q", "x", { n: 1 });
          const [claim] = await store.work.claim("q", "me", { id: "x" });
          return isNew ? "none" : claim === undefined ? "done" : "ready";
        }),
      check: ({ recovered, ...promised }) => {
        // A second recovery finds what the first one offered.
        if (recovered === "ready" && promised.acknowledged.length === 0) return;
        checkVersion<string>(recovered, promised, "none");
      },
    },
  ),
];
