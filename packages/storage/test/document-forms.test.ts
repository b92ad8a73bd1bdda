import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { temporaryFolders } from "@holdfast/test-kit";
import { describe, it } from "vitest";
import { fileStore } from "../src/index.ts";

const newFolder = temporaryFolders();
const EVERY_BIT = process.env["HOLDFAST_LONG"] === "1" ? 1 : 11;

describe("a document of a store of files", () => {
  it("is kept as K.json or K.json.zst, in one of them at a time, and locate() says in which", async () => {
    const root = newFolder();
    await using store = fileStore(root);
    const folder = join(root, "runs", "a");
    await store.documents.put("runs/a/run", { n: 1 }, { compression: "zstd" });
    assert.deepEqual(readdirSync(folder), ["run.json.zst"]);
    assert.equal(
      zstdDecompressSync(readFileSync(join(folder, "run.json.zst"))).toString(),
      '{\n  "n": 1\n}\n',
    );
    assert.equal(store.locate({ document: "runs/a/run" }), "runs/a/run.json.zst");
    await store.documents.put("runs/a/run", { n: 2 });
    assert.deepEqual(readdirSync(folder), ["run.json"]);
    assert.equal(store.locate({ document: "runs/a/run" }), "runs/a/run.json");
    await store.documents.put("runs/a/run", { n: 3 }, { compression: "zstd" });
    assert.deepEqual(readdirSync(folder), ["run.json.zst"]);
    await store.documents.delete("runs/a/run");
    assert.deepEqual(readdirSync(folder), []);
  });

  it("in both forms, as a copy by hand may leave it: the plain one counts, the next write leaves one", async () => {
    for (const compression of ["none", "zstd"] as const) {
      const root = newFolder();
      await using store = fileStore(root);
      const folder = join(root, "runs", "a");
      await store.documents.put("runs/a/run", "compressed", { compression: "zstd" });
      writeFileSync(join(folder, "run.json"), '"plain"\n');
      assert.equal((await store.documents.get("runs/a/run"))?.value, "plain");
      assert.deepEqual((await store.documents.list("runs/")).items, [{ key: "runs/a/run" }]);
      await store.documents.put("runs/a/run", "new", { compression });
      assert.equal((await store.documents.get("runs/a/run"))?.value, "new");
      assert.equal(readdirSync(folder).length, 1);
      assert.equal(existsSync(join(folder, "run.json.zst")), compression === "zstd");
    }
  });

  it("the bytes say which form they have: one under the other's name is read all the same", async () => {
    const root = newFolder();
    await using store = fileStore(root);
    await store.documents.put("runs/a/run", "value", { compression: "zstd" });
    const path = join(root, "runs", "a", "run.json");
    writeFileSync(path, readFileSync(`${path}.zst`));
    await store.documents.delete("runs/b/run");
    assert.equal((await store.documents.get("runs/a/run"))?.value, "value");
  });

  it("that is compressed is read as it was written, or refused, whichever bit is flipped", async () => {
    for (const list of [
      [1, 2],
      Array.from({ length: 40 }, (_, number) => ({ number, name: `agent ${number}` })),
    ]) {
      const root = newFolder();
      await using store = fileStore(root);
      await store.documents.put("runs/a/run", { list }, { compression: "zstd" });
      const path = join(root, "runs", "a", "run.json.zst");
      const whole = readFileSync(path);
      for (let bit = 0; bit < whole.length * 8; bit += EVERY_BIT) {
        const changed = Buffer.from(whole);
        changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        writeFileSync(path, changed);
        const read = await store.documents.get("runs/a/run").catch(({ code }: { code: string }) => code);
        assert.deepEqual(read === "STORE_DAMAGED" ? { list } : Object(read).value, { list }, `bit ${bit}`);
      }
    }
  });

  it("that is damaged is found by check() and set aside by repair(), in either form", async () => {
    const root = newFolder();
    await using store = fileStore(root);
    await store.documents.put("runs/a/run", "x".repeat(2_000), { compression: "zstd" });
    const path = join(root, "runs", "a", "run.json.zst");
    writeFileSync(path, readFileSync(path).subarray(0, -3));
    await assert.rejects(store.documents.get("runs/a/run"), {
      code: "STORE_DAMAGED",
      message: /no whole zstd frame/,
    });
    const [finding] = await store.check();
    assert.equal(finding?.kind, "damaged-document");
    assert.equal(finding?.path, "runs/a/run.json.zst");
    await store.repair({ salvage: true });
    assert.deepEqual(await store.check(), []);
    assert.deepEqual(readdirSync(join(root, "runs", "a")), ["run.json.zst.corrupt"]);
  });

  it("is there all the time while its form is changed: readers and writers of both forms at once", async () => {
    const root = newFolder();
    await using store = fileStore(root);
    await using other = fileStore(root);
    await store.documents.put("runs/a/run", 0);
    const writing = new AbortController();
    const reading = (async () => {
      let reads = 0;
      while (!writing.signal.aborted) {
        const found = await other.documents.get("runs/a/run");
        assert.equal(typeof found?.value, "number");
        reads += 1;
        await new Promise(setImmediate);
      }
      return reads;
    })();
    const writes = [store, other].map(async (writer, index) => {
      for (let n = 0; n < 30; n += 1) {
        const compression = (n + index) % 2 === 0 ? "zstd" : "none";
        await writer.documents.put("runs/a/run", n, { compression });
      }
    });
    await Promise.all(writes);
    writing.abort();
    assert.ok((await reading) > 0);
    assert.equal((await store.documents.get("runs/a/run"))?.value, 29);
  });
});
