import assert from "node:assert/strict";
import { crashDisk, faultyFileSystem } from "@holdfast/fsutil/faults";
import { describe, it } from "vitest";
import { gather } from "../src/conformance/test-api.ts";
import { type FileStore, fileStore, StoreError } from "../src/index.ts";

interface Write {
  readonly name: string;
  readonly act: (store: FileStore) => Promise<unknown>;
  readonly isThere: (store: FileStore) => Promise<boolean>;
}

const WRITES: readonly Write[] = [
  {
    name: "documents.put()",
    act: (store) => store.documents.put("tasks/p/t", "x"),
    isThere: async (store) => (await store.documents.get("tasks/p/t"))?.value === "x",
  },
  {
    name: "documents.put() of what must not exist yet",
    act: (store) =>
      store.documents.put("tasks/p/t", "x", { expected: null }).catch(async (error: unknown) => {
        // As one who finds what it was about to write.
        const isConflict = error instanceof StoreError && error.code === "STORE_CONFLICT";
        if (!isConflict || (await store.documents.get("tasks/p/t"))?.value !== "x") throw error;
      }),
    isThere: async (store) => (await store.documents.get("tasks/p/t"))?.value === "x",
  },
  {
    name: "objects.put()",
    act: (store) => store.objects.put(Buffer.from("object")),
    isThere: async (store) => (await gather(store.objects.list())).length === 1,
  },
  {
    name: "objects.put() of a stream",
    act: (store) => store.objects.put(long()),
    isThere: async (store) => (await gather(store.objects.list())).length === 1,
  },
  {
    name: "work.offer()",
    act: (store) => store.work.offer("q", "x", {}),
    isThere: async (store) => (await store.work.claim("q", "me", { id: "x" })).length === 1,
  },
];

async function* long(): AsyncGenerator<Uint8Array> {
  yield Buffer.alloc(2_000_000, "long ");
}

async function diskWithStore(): Promise<ReturnType<typeof crashDisk>> {
  const disk = crashDisk();
  await using store = fileStore("/store", { fileSystem: disk });
  await store.documents.put("runs/a/run", 1);
  return disk;
}

describe("what another one left undone", () => {
  for (const { name, act, isThere } of WRITES) {
    it(`${name}: after a kill at any call, what the next one acknowledges survives power loss`, async () => {
      for (let at = 1; ; at += 1) {
        const disk = await diskWithStore();
        const dying = faultyFileSystem(disk, { at, lasting: true });
        const first = fileStore("/store", { fileSystem: dying });
        await act(first).catch(() => undefined);
        if (dying.injected === 0) break;

        const left = disk.afterPowerLoss("everything");
        const second = fileStore("/store", { fileSystem: left });
        await act(second);
        await second.close();
        await using after = fileStore("/store", { fileSystem: left.afterPowerLoss("synced") });
        assert.equal(await isThere(after), true, `call ${at}: ${JSON.stringify(dying.calls[at - 1])}`);
      }
    });

    it(`${name}: when a sync of a folder failed, the same store does not claim its names later`, async () => {
      for (let at = 1; ; at += 1) {
        const disk = await diskWithStore();
        const failing = faultyFileSystem(disk, {
          at,
          counts: ({ operation }) => operation === "syncDirectory",
        });
        const store = fileStore("/store", { fileSystem: failing });
        const failed = await act(store).then(
          () => false,
          () => true,
        );
        const failedAt = failing.calls[at - 1];
        if (failing.injected === 0) break;
        assert.equal(failed, true);
        const again = await act(store).then(
          () => true,
          () => false,
        );
        await store.close();
        if (!again) continue;
        await using after = fileStore("/store", { fileSystem: disk.afterPowerLoss("synced") });
        assert.equal(await isThere(after), true, JSON.stringify(failedAt));
      }
    });
  }

  it("a document that is read durably survives power loss, wherever its writer was killed", async () => {
    for (let at = 1; ; at += 1) {
      const disk = await diskWithStore();
      const dying = faultyFileSystem(disk, { at, lasting: true });
      await fileStore("/store", { fileSystem: dying })
        .documents.put("runs/a/run", 2)
        .catch(() => undefined);
      if (dying.injected === 0) break;
      const left = disk.afterPowerLoss("everything");
      await using reader = fileStore("/store", { fileSystem: left });
      const found = await reader.documents.get("runs/a/run", { durable: true });
      await using after = fileStore("/store", { fileSystem: left.afterPowerLoss("synced") });
      assert.deepEqual(await after.documents.get("runs/a/run"), found, `killed at call ${at}`);
    }
  });

  it("a document whose folder could not be synced is not read durably by the same store", async () => {
    const disk = await diskWithStore();
    const fileSystem = faultyFileSystem(disk, {
      at: 1,
      counts: ({ operation }) => operation === "syncDirectory",
    });
    const store = fileStore("/store", { fileSystem });
    await assert.rejects(store.documents.put("runs/a/run", 2), { code: "STORE_IO" });
    assert.equal((await store.documents.get("runs/a/run"))?.value, 2);
    await assert.rejects(store.documents.get("runs/a/run", { durable: true }), { code: "STORE_FAILED" });
    await store.close();
  });

  it("objects that were found and could not be synced are not told to be durable by a second sync()", async () => {
    const disk = await diskWithStore();
    const { checksum } = await fileStore("/store", { fileSystem: disk }).objects.put(Buffer.from("object"));
    const fileSystem = faultyFileSystem(disk, {
      at: 1,
      counts: ({ operation }) => operation === "syncDirectory",
    });
    const store = fileStore("/store", { fileSystem });
    assert.equal(await store.objects.has(checksum), true);
    await assert.rejects(store.objects.sync(), { code: "STORE_IO" });
    await assert.rejects(store.objects.sync(), { code: "STORE_FAILED" });
    await store.close();
  });

  it("a document whose folder could not be synced is not put again by the same store", async () => {
    const disk = await diskWithStore();
    let fail = false;
    const fileSystem = faultyFileSystem(disk, {
      at: 1,
      counts: ({ operation }) => fail && operation === "syncDirectory",
    });
    const store = fileStore("/store", { fileSystem });
    fail = true;
    await assert.rejects(store.documents.put("runs/a/run", 2), { code: "STORE_IO" });
    await assert.rejects(store.documents.put("runs/a/run", 2), { code: "STORE_FAILED" });
    await assert.rejects(store.documents.put("runs/a/run", 2, { expected: null }), { code: "STORE_FAILED" });
    await assert.rejects(store.documents.delete("runs/a/run"), { code: "STORE_FAILED" });
    await store.documents.put("runs/b/run", 2);
    await store.close();
    await using next = fileStore("/store", { fileSystem: disk });
    await next.documents.put("runs/a/run", 3);
  });
});
