import assert from "node:assert/strict";
import { memoryStore } from "@holdfast/storage";
import { describe, it } from "vitest";
import { snapshotFiles } from "./index-files.ts";
import { loadStatCache, saveStatCache } from "./stat-cache.ts";
import { FILE, FOLDER, TreeIndex } from "./tree-index.ts";

/** More items than one part of a column holds; results come in runs that cross its end. */
function largeIndex(files: number): TreeIndex {
  const index = new TreeIndex();
  index.push(FOLDER, "", files + 1, 0);
  index.push(FOLDER, "src", files, 0);
  for (let n = 0; n < files; n++) index.push(FILE, `f${n}`, 0, 0);
  const run = 1000;
  for (let from = 0; from < files; from += run) {
    const count = Math.min(run, files - from);
    const stats = BigInt64Array.from({ length: count * 4 }, (_, place) => BigInt(from * 4 + place) * 1_000n);
    const digests = Buffer.alloc(count * 32);
    for (let place = 0; place < count; place++) digests.writeUInt32BE(from + place, place * 32);
    const hashed = { stats, digests, modes: new Uint32Array(count).fill(0o100644), failures: [] };
    index.setFiles(2 + from, hashed, 0, count, new Uint8Array(count));
  }
  return index;
}

describe("the stat cache", () => {
  it.each([1, 16_381, 16_382, 16_383, 40_000])("keeps an index of %i files as it is", async (files) => {
    const store = memoryStore();
    const index = largeIndex(files);
    await saveStatCache(store, "here", { id: "snap-000000000000", contents: true, index });
    const loaded = await loadStatCache(store, "here");
    assert.deepEqual(
      [loaded?.id, loaded?.contents, loaded?.index.count],
      ["snap-000000000000", true, files + 2],
    );
    const expected = [...snapshotFiles(index)];
    const kept = loaded === undefined ? [] : [...snapshotFiles(loaded.index)];
    assert.equal(kept.length, files);
    assert.deepEqual(kept.at(-1), expected.at(-1));
    assert.equal(JSON.stringify(kept), JSON.stringify(expected));
    const last = files - 1;
    assert.equal(kept[last]?.path, `src/f${last}`);
    assert.equal(kept[last]?.sha256, `sha256:${last.toString(16).padStart(8, "0")}${"0".repeat(56)}`);
    assert.equal(kept[last]?.size, last * 4_000);
    assert.ok(loaded?.index.matches(files + 1, ...quadruple(last)));
  });

  it("is none, or the same, when a byte of it was changed or it was cut", async () => {
    const store = memoryStore();
    const index = largeIndex(40);
    await saveStatCache(store, "here", { id: "snap-000000000000", contents: true, index });
    const [{ key } = { key: "" }] = (await store.documents.list("index/")).items;
    const bytes = Buffer.from((await store.documents.getBytes(key))?.bytes ?? []);
    const expected = JSON.stringify([...snapshotFiles(index)]);
    const loadedFrom = async (damaged: Uint8Array): Promise<boolean> => {
      const documents = { ...store.documents, getBytes: async () => ({ bytes: damaged, revision: "" }) };
      const loaded = await loadStatCache({ ...store, documents }, "here");
      if (loaded === undefined) return false;
      assert.deepEqual([loaded.id, loaded.contents], ["snap-000000000000", true]);
      assert.equal(JSON.stringify([...snapshotFiles(loaded.index)]), expected);
      return true;
    };
    assert.ok(await loadedFrom(bytes));
    for (let at = 0; at < bytes.length; at += 1) {
      for (const change of [1, 0x20, 0x80]) {
        const damaged = Buffer.from(bytes);
        damaged[at] = (damaged[at] ?? 0) ^ change;
        await loadedFrom(damaged);
      }
      await loadedFrom(bytes.subarray(0, at));
    }
  });

  it("is none for another scope, or when a digit of it is another one", async () => {
    const store = memoryStore();
    await saveStatCache(store, "here", { id: "snap-000000000000", contents: true, index: largeIndex(100) });
    assert.equal(await loadStatCache(store, "there"), undefined);
    const [{ key } = { key: "" }] = (await store.documents.list("index/")).items;
    const text = JSON.stringify((await store.documents.get(key))?.value);
    for (const column of ["kinds", "flags", "aux", "stats", "digests", "ends", "names"]) {
      const at = text.indexOf(`"${column}":["`) + column.length + 5;
      const other = text[at] === "B" ? "C" : "B";
      await store.documents.put(key, JSON.parse(text.slice(0, at) + other + text.slice(at + 1)));
      assert.equal(await loadStatCache(store, "here"), undefined, column);
    }
  });
});

function quadruple(n: number): [bigint, bigint, bigint, bigint] {
  const [a, b, c, d] = [0, 1, 2, 3].map((place) => BigInt(n * 4 + place) * 1_000n);
  return [a ?? 0n, b ?? 0n, c ?? 0n, d ?? 0n];
}
