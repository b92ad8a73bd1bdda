import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { Bytes, Store } from "../store.ts";
import { gather, type TestApi, type WithStores } from "./test-api.ts";

/** Bytes that cannot be compressed, the same each time. */
function noise(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed;
  for (let at = 0; at < length; at += 1) {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9;
    bytes[at] = (state ^ (state >>> 13)) >>> 11;
  }
  return bytes;
}

function text(length: number): Uint8Array {
  return Buffer.from(
    "all work and no play makes a dull log\n".repeat(Math.ceil(length / 38)).slice(0, length),
  );
}

async function* inPieces(bytes: Bytes, pieces: number): AsyncGenerator<Bytes> {
  const size = Math.max(1, Math.ceil(bytes.length / pieces));
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** Cases of objects. */
export function objectCases({ it }: TestApi, withStores: WithStores): void {
  it(
    "objects: content comes back byte for byte under its SHA-256, whole or in pieces, short or long",
    withStores(async (open) => {
      const store = await open();
      const contents = [
        new Uint8Array(0),
        Uint8Array.of(0),
        text(100),
        text(5_000),
        text(300_000),
        text(3_000_000),
        noise(511),
        noise(70_000),
        noise(1_048_576),
        noise(2_500_000),
        Buffer.concat([text(1_200_000), noise(1_200_000)]),
      ];
      for (const content of contents) {
        const expected = { checksum: checksumOf(content), size: content.length };
        assert.deepEqual(await store.objects.put(content), expected);
        assert.equal(await store.objects.has(expected.checksum), true);
        await store.objects.sync();
        await expectContent(store, content);
        assert.deepEqual(await store.objects.put(inPieces(content, 7)), expected);
        await store.objects.delete(expected.checksum);
        assert.deepEqual(await store.objects.put(inPieces(content, 5)), expected);
        await expectContent(store, content);
      }
      const listed = await gather(store.objects.list());
      const wanted = contents.map((content) => ({ checksum: checksumOf(content), size: content.length }));
      assert.deepEqual(
        listed,
        wanted.toSorted((a, b) => (a.checksum < b.checksum ? -1 : 1)),
      );
    }),
  );

  it(
    "objects: the same content is kept once, also when it is put many times at once",
    withStores(async (open) => {
      const store = await open();
      const content = text(20_000);
      const answers = await Promise.all([
        ...Array.from({ length: 10 }, () => store.objects.put(content)),
        ...Array.from({ length: 5 }, () => store.objects.put(inPieces(content, 3))),
      ]);
      assert.equal(new Set(answers.map(({ checksum }) => checksum)).size, 1);
      assert.equal((await gather(store.objects.list())).length, 1);
      await expectContent(store, content);
    }),
  );

  it(
    "objects: what is put does not change with the caller's bytes",
    withStores(async (open) => {
      const store = await open();
      const content = text(1_000);
      const { checksum } = await store.objects.put(content);
      const buffer = Buffer.alloc(1_000, 1);
      const putting = store.objects.put(buffer);
      buffer.fill(2);
      const second = await putting;
      assert.deepEqual(
        Buffer.concat(await gather(store.objects.get(second.checksum))),
        Buffer.alloc(1_000, 1),
      );
      assert.notEqual(checksum, second.checksum);
    }),
  );

  it(
    "objects: one that is not there is missing; deleting it is fine",
    withStores(async (open) => {
      const store = await open();
      const checksum = checksumOf(Uint8Array.of(1));
      assert.equal(await store.objects.has(checksum), false);
      await assert.rejects(gather(store.objects.get(checksum)), { code: "STORE_MISSING" });
      await store.objects.delete(checksum);
      await store.objects.put(Uint8Array.of(1));
      await store.objects.delete(checksum);
      assert.equal(await store.objects.has(checksum), false);
      await assert.rejects(gather(store.objects.get(checksum)), { code: "STORE_MISSING" });
      for (const bad of [
        "",
        "sha256:",
        "../../etc/passwd",
        `sha256:${"A".repeat(64)}`,
        `sha256:${"..".repeat(32)}`,
      ]) {
        await assert.rejects(gather(store.objects.get(bad)), TypeError);
        await assert.rejects(store.objects.has(bad), TypeError);
        await assert.rejects(store.objects.delete(bad), TypeError);
      }
    }),
  );

  it(
    "objects: a source that fails leaves nothing behind",
    withStores(async (open) => {
      const store = await open();
      for (const length of [10, 3_000_000]) {
        async function* broken(): AsyncGenerator<Bytes> {
          yield text(length);
          throw new Error("the source broke");
        }
        await assert.rejects(store.objects.put(broken()), /the source broke/);
      }
      assert.deepEqual(await gather(store.objects.list()), []);
    }),
  );
}

function checksumOf(content: Bytes): string {
  return `sha256:${createHash("sha256").update(content).digest("hex")}`;
}

async function expectContent(store: Store, content: Bytes): Promise<void> {
  const found = Buffer.concat(await gather(store.objects.get(checksumOf(content))));
  assert.ok(found.equals(content), `content of ${content.length} bytes is the same`);
}
