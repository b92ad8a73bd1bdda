import assert from "node:assert/strict";
import { readdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { type FileSystem, nodeFileSystem } from "@holdfast/fsutil";
import { crashDisk, type FaultPlan, faultyFileSystem } from "@holdfast/fsutil/faults";
import { temporaryFolders } from "@holdfast/test-kit";
import { describe, it } from "vitest";
import { item } from "../src/conformance/log-cases.ts";
import { gather } from "../src/conformance/test-api.ts";
import { type FileStore, fileStore, StoreError } from "../src/index.ts";

const newFolder = temporaryFolders();

/** One thing that is done to a store, and what must be there when it was acknowledged, and when it was not. */
interface Operation {
  readonly name: string;
  readonly act: (store: FileStore) => Promise<unknown>;
  readonly expect: (store: FileStore, acknowledged: boolean) => Promise<void>;
}

const LONG = Buffer.alloc(550_000, "a long object that does not fit into one piece ");

const OPERATIONS: readonly Operation[] = [
  {
    name: "documents.put()",
    act: (store) => store.documents.put("runs/a/run", "new", { expected: OLD_REVISION }),
    expect: async (store, acknowledged) => {
      const value = (await store.documents.get("runs/a/run"))?.value;
      assert.ok(value === "new" || (!acknowledged && value === "old"));
    },
  },
  {
    name: "documents.put() of a large one that makes folders",
    act: (store) => store.documents.put("tasks/p/t", "x".repeat(300_000)),
    expect: async (store, acknowledged) => {
      const found = await store.documents.get("tasks/p/t");
      assert.ok(found?.value === "x".repeat(300_000) || (!acknowledged && found === undefined));
    },
  },
  {
    name: "documents.put() in another form",
    act: (store) => store.documents.put("runs/a/run", "new", { expected: OLD_REVISION, compression: "zstd" }),
    expect: async (store, acknowledged) => {
      const value = (await store.documents.get("runs/a/run"))?.value;
      assert.ok(value === "new" || (!acknowledged && value === "old"));
      const { items } = await store.documents.list("runs/");
      assert.deepEqual(items, [{ key: "runs/a/run" }]);
      // From whichever form it is in, it takes the other.
      await store.documents.put("runs/a/run", value);
      assert.equal((await store.documents.get("runs/a/run"))?.value, value);
      await store.documents.delete("runs/a/run");
      assert.equal(await store.documents.get("runs/a/run"), undefined);
    },
  },
  {
    name: "documents.reserve()",
    act: async (store) => {
      if (!(await store.documents.reserve("runs/b"))) throw new StoreError("STORE_IO", "taken by nobody");
    },
    expect: async (store, acknowledged) => {
      const isFree = await store.documents.reserve("runs/b");
      assert.ok(!(acknowledged && isFree));
    },
  },
  {
    name: "documents.delete()",
    act: (store) => store.documents.delete("runs/a/run"),
    expect: async (store, acknowledged) => {
      const found = await store.documents.get("runs/a/run");
      assert.ok(found === undefined || (!acknowledged && found.value === "old"));
    },
  },
  {
    name: "logs.append()",
    act: (store) => store.logs.append("runs/a/ledger", [item("m3")]),
    expect: (store, acknowledged) => expectLines(store, acknowledged, ["m3"]),
  },
  {
    name: "logs.append() of a batch",
    act: (store) => store.logs.append("runs/a/ledger", [item("m3"), item("m4"), item("m5")]),
    expect: (store, acknowledged) => expectLines(store, acknowledged, ["m3", "m4", "m5"]),
  },
  {
    name: "objects.put()",
    act: (store) => store.objects.put(Buffer.from("object")),
    expect: (store, acknowledged) => expectObject(store, acknowledged, Buffer.from("object")),
  },
  {
    name: "objects.put() of a stream",
    act: (store) => store.objects.put(twice(LONG)),
    expect: (store, acknowledged) => expectObject(store, acknowledged, Buffer.concat([LONG, LONG])),
  },
  {
    name: "work.offer()",
    act: (store) => store.work.offer("q", "x", { payload: true }),
    expect: async (store, acknowledged) => {
      const known = !(await store.work.offer("q", "x", { payload: true }));
      assert.ok(known || !acknowledged);
      const [claim] = await store.work.claim("q", "me", { id: "x" });
      assert.deepEqual(claim?.payload, { payload: true });
    },
  },
  {
    name: "work.claim() and settle()",
    act: async (store) => {
      await store.work.offer("q", "x", {});
      const [claim] = await store.work.claim("q", "me", { id: "x" });
      if (claim === undefined || !(await store.work.settle(claim, "done")))
        throw new StoreError("STORE_IO", "not settled");
    },
    expect: async (store, acknowledged) => {
      const again = await store.work.claim("q", "me", { id: "x" }).catch((error: unknown) => error);
      // This process lives, so a lock that could not be released stays its own.
      const isHeld = again instanceof StoreError && again.code === "STORE_HELD";
      assert.ok(isHeld ? !acknowledged : Array.isArray(again) && (!acknowledged || again.length === 0));
    },
  },
];

let OLD_REVISION = "";

async function* twice(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
  yield bytes;
}

async function prepare(root: string, fileSystem: FileSystem): Promise<void> {
  await using store = fileStore(root, { fileSystem });
  ({ revision: OLD_REVISION } = await store.documents.put("runs/a/run", "old"));
  await store.logs.append("runs/a/ledger", [item("m1"), item("m2")]);
}

async function expectLines(store: FileStore, acknowledged: boolean, more: readonly string[]): Promise<void> {
  const ids = (await gather(store.logs.read("runs/a/ledger"))).map(({ text }) => {
    const line: { message_id: string } = JSON.parse(text);
    return line.message_id;
  });
  assert.deepEqual(ids.slice(0, 2), ["m1", "m2"]);
  const rest = ids.slice(2);
  assert.ok(rest.length === more.length || (!acknowledged && rest.length === 0), `lines ${ids.join()}`);
  assert.deepEqual(rest, more.slice(0, rest.length));
}

async function expectObject(store: FileStore, acknowledged: boolean, content: Buffer): Promise<void> {
  const listed = await gather(store.objects.list());
  assert.ok(listed.length === 1 || (!acknowledged && listed.length === 0));
  for (const { checksum } of listed) {
    assert.ok(Buffer.concat(await gather(store.objects.get(checksum))).equals(content));
  }
}

const PLANS: readonly (readonly [string, FaultPlan])[] = [
  ["EIO once", { errno: "EIO" }],
  ["ENOSPC for good", { errno: "ENOSPC", lasting: true }],
  ["short writes", { shortWrites: true, counts: ({ operation }) => operation === "write" }],
  ["EIO after the effect", { errno: "EIO", afterEffect: true }],
];

describe("a store of files whose file system fails", () => {
  for (const { name, act, expect } of OPERATIONS) {
    for (const [plan, options] of PLANS) {
      it(`${name}: ${plan} at any call gives a coded error, or the work is done; nothing old is lost`, async () => {
        for (let at = 1; ; at += 1) {
          const disk = crashDisk();
          await prepare("/store", disk);
          const fileSystem = faultyFileSystem(disk, { ...options, at });
          const store = fileStore("/store", { fileSystem, writerWaitMs: 0 });
          const error: unknown = await act(store).then(
            () => undefined,
            (reason: unknown) => reason,
          );
          const acknowledged = error === undefined;
          if (!acknowledged) assert.ok(error instanceof StoreError, `call ${at} gives a coded error`);
          await store.close().catch(() => undefined);
          assert.equal(
            fileSystem.openFiles,
            0,
            `call ${at} (${JSON.stringify(fileSystem.calls[at - 1])}): files are closed`,
          );
          await using after = fileStore("/store", { fileSystem: disk });
          await expect(after, acknowledged);
          const damage = (await after.check()).filter(({ severity }) => severity === "error");
          assert.deepEqual(damage, [], `call ${at}`);
          if (fileSystem.injected === 0) {
            assert.equal(acknowledged, true);
            break;
          }
        }
      });
    }
  }

  for (const { name, act, expect } of OPERATIONS.filter((operation) => !operation.name.startsWith("work"))) {
    it(`${name}: after power loss at any call there is what was acknowledged`, async () => {
      for (let at = 1; ; at += 1) {
        const disk = crashDisk();
        await prepare("/store", disk);
        const dying = faultyFileSystem(disk, { at, lasting: true });
        const store = fileStore("/store", { fileSystem: dying, writerWaitMs: 0 });
        const acknowledged = await act(store).then(
          () => true,
          () => false,
        );
        for (const kept of ["synced", "names", "everything"] as const) {
          const left = disk.afterPowerLoss(kept);
          // The holder of the locks died with the power; this process, which stands in for it, did not.
          for (const path of left.paths()) if (path.includes("/epoch-")) left.unlinkSync(path);
          await using after = fileStore("/store", { fileSystem: left });
          await expect(after, acknowledged);
          if (!acknowledged) continue;
          assert.equal((await after.logs.append("runs/a/ledger", [item("m1")])).duplicate, true);
        }
        await store.close().catch(() => undefined);
        if (dying.injected === 0) break;
      }
    });
  }

  it("a failed sync ends the log for this store, whatever the next one says; a new store goes on", async () => {
    const root = newFolder();
    await prepare(root, nodeFileSystem);
    let fail = false;
    const fileSystem = faultyFileSystem(nodeFileSystem, {
      at: 1,
      counts: ({ operation, path }) => fail && operation === "sync" && path.endsWith("ledger.ndjson"),
    });
    const store = fileStore(root, { fileSystem });
    await store.logs.append("runs/a/ledger", [item("m3")]);
    fail = true;
    await assert.rejects(store.logs.append("runs/a/ledger", [item("m4")]), { code: "STORE_IO" });
    await assert.rejects(store.logs.append("runs/a/ledger", [item("m4")]), { code: "STORE_FAILED" });
    await assert.rejects(store.logs.append("runs/a/ledger", [item("m3")]), { code: "STORE_FAILED" });
    await store.logs.append("runs/b/ledger", [item("m1")]);
    await store.close();
    await using next = fileStore(root);
    assert.deepEqual(await next.logs.append("runs/a/ledger", [item("m4")]), {
      position: 4,
      duplicate: false,
    });
  });

  it("a full disk refuses an append; when there is room again the same store goes on", async () => {
    const root = newFolder();
    await prepare(root, nodeFileSystem);
    let full = false;
    const fileSystem = faultyFileSystem(nodeFileSystem, {
      at: 1,
      lasting: true,
      errno: "ENOSPC",
      shortWrites: true,
      counts: ({ operation }) => full && operation === "write",
    });
    await using store = fileStore(root, { fileSystem });
    await store.logs.append("runs/a/ledger", [item("m3")]);
    full = true;
    for (let times = 0; times < 3; times += 1) {
      await assert.rejects(store.logs.append("runs/a/ledger", [item("m4")]), { code: "STORE_NO_SPACE" });
      await assert.rejects(store.documents.put("runs/a/run", "new"), { code: "STORE_NO_SPACE" });
      await assert.rejects(store.objects.put(Buffer.from("x")), { code: "STORE_NO_SPACE" });
    }
    full = false;
    assert.deepEqual(await store.logs.append("runs/a/ledger", [item("m4")]), {
      position: 4,
      duplicate: false,
    });
    assert.equal((await store.documents.get("runs/a/run"))?.value, "old");
    await store.documents.put("runs/a/run", "new");
    const names = readdirSync(join(realpathSync(root), "runs/a"));
    assert.deepEqual(
      names.filter((name) => name.includes(".tmp.")),
      [],
    );
  });

  it("a fence that is lost between write and acknowledgement is not acknowledged", async () => {
    const root = newFolder();
    await using store = fileStore(root);
    await store.work.offer("runs", "a", {});
    const [fence] = await store.work.claim("runs", "me", { id: "a" });
    assert.ok(fence !== undefined);
    await store.logs.append("runs/a/ledger", [item("m1")], { fence });
    const settling = store.work.settle(fence, "ready");
    const answers = await Promise.allSettled([
      store.logs.append("runs/a/ledger", [item("m2")], { fence }),
      store.documents.put("runs/a/run", 1, { fence }),
      settling,
    ]);
    const ledger = await gather(store.logs.read("runs/a/ledger"));
    if (answers[0].status === "fulfilled") assert.equal(ledger.length, 2);
    await assert.rejects(store.logs.append("runs/a/ledger", [item("m3")], { fence }), {
      code: "STORE_FENCED",
    });
    const [next] = await store.work.claim("runs", "me", { id: "a" });
    assert.ok(next !== undefined);
    const { position } = await store.logs.append("runs/a/ledger", [item("m3")], { fence: next });
    assert.equal(position, ledger.length + 1);
  });
});
