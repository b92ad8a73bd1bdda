import assert from "node:assert/strict";
import { compareBytes } from "../byte-order.ts";
import type { Json } from "../json.ts";
import { JsonList, JsonText } from "../json-draft.ts";
import type { Store } from "../store.ts";
import { gather, type TestApi, type WithStores } from "./test-api.ts";

/** Values that JSON holds and that are easily changed on the way. */
const AWKWARD: readonly Json[] = [
  null,
  false,
  0,
  "",
  [],
  {},
  -0,
  1e308,
  5e-324,
  0.1,
  2 ** 60,
  1e21,
  '\u2028\u2029\u0000\uFEFF\u{1F600}\r\n\t\\"',
  "\uD800",
  "e\u0301",
  [[], [[]], {}],
  { "": 1, a: { "": null } },
  Object.fromEntries([["__proto__", 1]]),
  { constructor: "x", toString: 1, hasOwnProperty: null },
  { "10": 1, "9": 2, b: 3, a: 4 },
];

/** Cases of documents. */
export function documentCases({ it }: TestApi, withStores: WithStores): void {
  it(
    "documents: get() of what is not there is undefined, and list() is empty",
    withStores(async (open) => {
      const store = await open();
      assert.equal(await store.documents.get("runs/none/run"), undefined);
      assert.deepEqual(await store.documents.list(""), { items: [] });
      await store.documents.delete("runs/none/run");
    }),
  );

  it(
    "documents: every value that JSON holds comes back as it was",
    withStores(async (open) => {
      const store = await open();
      for (const value of AWKWARD) {
        const { revision } = await store.documents.put("a/value", value);
        const found = await store.documents.get("a/value");
        assert.deepStrictEqual(found?.value, value);
        assert.equal(found?.revision, revision);
        assert.deepStrictEqual(await store.documents.get("a/value", { durable: true }), found);
      }
    }),
  );

  it(
    "documents: a draft is kept as the document it stands for, with its revision",
    withStores(async (open) => {
      const store = await open();
      const items = Array.from(
        { length: 20_000 },
        (_, item): Json => ({ item, awkward: AWKWARD[item % AWKWARD.length] ?? null }),
      );
      const whole = await store.documents.put("a/whole", { before: [1], items, after: {} });
      const draft = await store.documents.put("a/draft", {
        before: [1],
        items: new JsonList(() => items),
        after: {},
      });
      assert.equal(draft.revision, whole.revision);
      assert.deepStrictEqual(await store.documents.get("a/draft"), await store.documents.get("a/whole"));
      await assert.rejects(
        store.documents.put("a/draft", { items: new JsonList(() => [1]) }, { expected: "other" }),
        { code: "STORE_CONFLICT" },
      );
      await assert.rejects(
        store.documents.put("a/draft", { items: new JsonList(() => [Number.NaN]) }),
        TypeError,
      );
      assert.equal((await store.documents.get("a/draft"))?.revision, whole.revision);
    }),
  );

  it(
    "documents: a text that exists already is kept as it is, and getBytes() gives the text that stands",
    withStores(async (open) => {
      const store = await open();
      assert.equal(await store.documents.getBytes("a/none"), undefined);
      const text = JSON.stringify(AWKWARD.filter((value) => !Object.is(value, -0)));
      const bytes = Buffer.from(text.repeat(2_000));
      for (const value of [`[${text}]`, `[${"1,".repeat(400_000)}-0]`, `{"b":1,"a":"\u00E9\\u00e9"}`]) {
        const whole = Buffer.from(value);
        const pieces = [whole.subarray(0, 7), whole.subarray(7, 8), whole.subarray(8)];
        const { revision } = await store.documents.put("a/text", { before: 1, text: new JsonText(pieces) });
        const found = await store.documents.getBytes("a/text");
        assert.ok(found !== undefined);
        assert.equal(Buffer.from(found.bytes).toString(), `{\n  "before": 1,\n  "text": ${value}\n}\n`);
        assert.equal(found.revision, revision);
        const parsed: Json = JSON.parse(value);
        const read = await store.documents.get("a/text");
        assert.deepStrictEqual(read?.value, { before: 1, text: parsed });
        assert.equal(read?.revision, revision);
        await store.documents.put("a/text", 1, { expected: revision });
      }
      // The caller vouches for a text; what is none is damage, not a changed value.
      await store.documents.put("a/text", { text: new JsonText([bytes]) });
      await assert.rejects(store.documents.get("a/text"), { code: "STORE_DAMAGED" });
      assert.ok(((await store.documents.getBytes("a/text"))?.bytes.length ?? 0) > bytes.length);
    }),
  );

  it(
    "documents: compression changes nothing but how they are kept, and may change from one write to the next",
    withStores(async (open) => {
      const store = await open();
      const values: readonly Json[] = [1, { awkward: AWKWARD }, "x".repeat(700_000)];
      const forms = ["zstd", "none", "none", "zstd", "zstd", "none"] as const;
      for (const [index, value] of values.entries()) {
        const key = `a/value-${index}`;
        let expected: string | null = null;
        for (const compression of forms) {
          const { revision }: { readonly revision: string } = await store.documents.put(key, value, {
            compression,
            expected,
          });
          assert.deepStrictEqual(await store.documents.get(key), { value, revision });
          await assert.rejects(store.documents.put(key, 1, { compression, expected: null }), {
            code: "STORE_CONFLICT",
            actual: revision,
          });
          expected = revision;
        }
        const text = { list: new JsonList(() => [value]), text: new JsonText([Buffer.from("[1]")]) };
        for (const compression of forms) {
          const { revision } = await store.documents.put(key, text, { compression });
          assert.deepStrictEqual(await store.documents.get(key), {
            value: { list: [value], text: [1] },
            revision,
          });
        }
      }
      assert.deepEqual(keysOf((await store.documents.list("")).items), [
        "a/value-0",
        "a/value-1",
        "a/value-2",
      ]);
      await store.documents.put("a/value-0", 1, { compression: "zstd" });
      for (const key of ["a/value-0", "a/value-1"]) {
        await store.documents.delete(key);
        assert.equal(await store.documents.get(key), undefined);
      }
      assert.deepEqual(keysOf((await store.documents.list("")).items), ["a/value-2"]);
      // @ts-expect-error: what a caller without types may pass
      await assert.rejects(store.documents.put("a/value", 1, { compression: "gzip" }), RangeError);
    }),
  );

  it(
    "documents: reserve() gives a prefix to one caller, and none where something is kept",
    withStores(async (open) => {
      const store = await open();
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => store.documents.reserve("runs/one")),
      );
      assert.equal(answers.filter((taken) => taken).length, 1);
      await store.documents.put("runs/two/run", 1);
      await store.logs.append("runs/three/ledger", [{ text: "{}" }]);
      await store.documents.put("runs/four/deep/run", 1);
      for (const prefix of ["runs/one", "runs/two", "runs/three", "runs/four", "runs"])
        assert.equal(await store.documents.reserve(prefix), false, prefix);
      assert.equal(await store.documents.reserve("runs/tw"), true);
      await store.documents.put("runs/one/run", 1, { expected: null });
      assert.equal(await store.documents.reserve("runs/one"), false);
      assert.equal(await store.documents.reserve("runs/five/deep"), true);
      assert.equal(await store.documents.reserve("runs/five"), false);
      assert.equal(await store.documents.get("runs/tw"), undefined);
      assert.deepEqual(keysOf((await store.documents.list("runs/t")).items), ["runs/two/run"]);
    }),
  );

  it(
    "documents: put() refuses what JSON cannot hold and changes nothing",
    withStores(async (open) => {
      const store = await open();
      await store.documents.put("a/value", { kept: true });
      const cycle: Record<string, unknown> = {};
      cycle["self"] = cycle;
      let deep: unknown = 0;
      for (let level = 0; level < 100_000; level += 1) deep = [deep];
      const impossible: readonly unknown[] = [
        undefined,
        Number.NaN,
        Number.POSITIVE_INFINITY,
        1n,
        Symbol("s"),
        () => 1,
        new Date(0),
        new Map(),
        [undefined],
        // oxlint-disable-next-line no-sparse-arrays
        [1, , 2],
        { a: { b: [1, { c: undefined }] } },
        cycle,
        deep,
      ];
      for (const value of impossible) {
        // @ts-expect-error: what a caller without types may pass
        await assert.rejects(store.documents.put("a/value", value), TypeError);
      }
      assert.deepEqual((await store.documents.get("a/value"))?.value, { kept: true });
    }),
  );

  it(
    "documents: what was put does not change with the caller's value, nor with what get() gave",
    withStores(async (open) => {
      const store = await open();
      const value = { list: [1] };
      await store.documents.put("a/value", value);
      value.list.push(2);
      const first = await store.documents.get("a/value");
      assert.deepEqual(first?.value, { list: [1] });
    }),
  );

  it(
    "documents: read() gives the text from its beginning, as far as it is asked for",
    withStores(async (open) => {
      const store = await open();
      const value = Array.from({ length: 30_000 }, (_, item): Json => ({ item }));
      for (const compression of ["none", "zstd"] as const) {
        await store.documents.put("a/value", value, { compression });
        const pieces = await gather(store.documents.read("a/value"));
        const whole = await store.documents.getBytes("a/value");
        assert.ok(whole !== undefined && Buffer.concat(pieces).equals(whole.bytes));
        for await (const piece of store.documents.read("a/value")) {
          assert.ok(piece.length < whole.bytes.length && piece.length > 0);
          break;
        }
        const aborted = { signal: AbortSignal.abort(new Error("enough")) };
        await assert.rejects(gather(store.documents.read("a/value", aborted)), /enough/);
      }
      await assert.rejects(gather(store.documents.read("a/none")), { code: "STORE_MISSING" });
    }),
  );

  it(
    "documents: get() refuses, when it is to be exact, what reading would change",
    withStores(async (open) => {
      const store = await open();
      for (const text of ["9007199254740993", "1e999", '{"a":1,"a":2}']) {
        await store.documents.put("a/value", { inside: new JsonText([Buffer.from(text)]) });
        await store.documents.get("a/value");
        await assert.rejects(
          store.documents.get("a/value", { exact: true }),
          { code: "STORE_DAMAGED" },
          text,
        );
      }
      for (const value of AWKWARD) {
        await store.documents.put("a/value", value);
        assert.deepStrictEqual((await store.documents.get("a/value", { exact: true }))?.value, value);
      }
    }),
  );

  it(
    "documents: expected null creates once; the second one is refused with the revision that is there",
    withStores(async (open) => {
      const store = await open();
      const { revision } = await store.documents.put("a/value", 1, { expected: null });
      await assert.rejects(store.documents.put("a/value", 2, { expected: null }), {
        code: "STORE_CONFLICT",
        expected: null,
        actual: revision,
      });
      assert.equal((await store.documents.get("a/value"))?.value, 1);
    }),
  );

  it(
    "documents: a stale revision is refused by put() and delete(), writes nothing and is told the actual one",
    withStores(async (open) => {
      const store = await open();
      const first = await store.documents.put("a/value", 1);
      const second = await store.documents.put("a/value", 2, { expected: first.revision });
      assert.notEqual(first.revision, second.revision);
      const conflict = { code: "STORE_CONFLICT", expected: first.revision, actual: second.revision };
      await assert.rejects(store.documents.put("a/value", 3, { expected: first.revision }), conflict);
      await assert.rejects(store.documents.delete("a/value", { expected: first.revision }), conflict);
      assert.deepEqual(await store.documents.get("a/value"), { value: 2, revision: second.revision });
      await store.documents.delete("a/value", { expected: second.revision });
      await assert.rejects(store.documents.put("a/value", 3, { expected: second.revision }), {
        code: "STORE_CONFLICT",
        expected: second.revision,
        actual: null,
      });
      assert.equal(await store.documents.get("a/value"), undefined);
    }),
  );

  it(
    "documents: concurrent changes by compare-and-set lose no update",
    withStores(async (open) => {
      const store = await open();
      await store.documents.put("a/counter", 0, { expected: null });
      await Promise.all(Array.from({ length: 8 }, () => increment(store, "a/counter", 5)));
      assert.equal((await store.documents.get("a/counter"))?.value, 40);
    }),
  );

  it(
    "documents: list() gives keys in byte order, by prefix, page by page",
    withStores(async (open) => {
      const store = await open();
      const keys = [
        "a",
        "a/b",
        "a-b",
        "a/b/c",
        "a/b-c",
        "aa",
        "a0",
        "B",
        "\u{1F600}",
        "\uFF5E",
        "z/\u00E9",
        "z/e",
      ];
      for (const key of keys) await store.documents.put(key, key);
      await store.logs.append("a/log", [{ text: "{}" }]);
      const sorted = keys.toSorted(compareBytes);
      assert.deepEqual(keysOf((await store.documents.list("")).items), sorted);
      for (const prefix of ["a", "a/", "a/b", "a/b/", "z/", "none", "none/x"]) {
        const expected = sorted.filter((key) => key.startsWith(prefix));
        assert.deepEqual(keysOf((await store.documents.list(prefix)).items), expected, prefix);
        for (const limit of [1, 2, 5])
          assert.deepEqual(await listAll(store, prefix, limit), expected, prefix);
      }
      const after = await store.documents.list("", { after: "a/b" });
      assert.deepEqual(
        keysOf(after.items),
        sorted.filter((key) => compareBytes(key, "a/b") > 0),
      );
      await assert.rejects(store.documents.list("", { limit: 0 }), RangeError);
    }),
  );

  it(
    "documents: a deleted key is gone from get() and list()",
    withStores(async (open) => {
      const store = await open();
      await store.documents.put("a/b/c", 1);
      await store.documents.put("a/b/d", 1);
      await store.documents.delete("a/b/c");
      assert.equal(await store.documents.get("a/b/c"), undefined);
      assert.deepEqual(keysOf((await store.documents.list("")).items), ["a/b/d"]);
    }),
  );

  it(
    "documents: keys that differ only in case, or are nested, are different documents",
    withStores(async (open) => {
      const store = await open();
      for (const key of ["k/Run", "k/run", "k", "k/run/x"]) await store.documents.put(key, key);
      for (const key of ["k/Run", "k/run", "k", "k/run/x"]) {
        assert.equal((await store.documents.get(key))?.value, key);
      }
    }),
  );

  it(
    "keys: one that could leave the store, or stand for another, is refused everywhere",
    withStores(async (open) => {
      const store = await open();
      for (const key of BAD_KEYS) {
        const refused = { code: "STORE_KEY" };
        await assert.rejects(store.documents.get(key), refused, JSON.stringify(key));
        await assert.rejects(gather(store.documents.read(key)), refused, JSON.stringify(key));
        await assert.rejects(store.documents.put(key, 1), refused, JSON.stringify(key));
        await assert.rejects(store.documents.delete(key), refused, JSON.stringify(key));
        await assert.rejects(store.documents.getBytes(key), refused, JSON.stringify(key));
        await assert.rejects(store.documents.reserve(key), refused, JSON.stringify(key));
        await assert.rejects(store.logs.append(key, [{ text: "{}" }]), refused, JSON.stringify(key));
        await assert.rejects(store.logs.head(key), refused, JSON.stringify(key));
        await assert.rejects(gather(store.logs.read(key)), refused, JSON.stringify(key));
      }
      for (const prefix of ["../", "a/../", "/", "a//", "a\0"]) {
        await assert.rejects(store.documents.list(prefix), { code: "STORE_KEY" }, JSON.stringify(prefix));
        await assert.rejects(store.logs.list(prefix), { code: "STORE_KEY" }, JSON.stringify(prefix));
      }
      assert.deepEqual(await store.documents.list(""), { items: [] });
    }),
  );
}

const BAD_KEYS = [
  "",
  "/",
  "/etc/passwd",
  "a/",
  "a//b",
  ".",
  "..",
  "../a",
  "a/../b",
  "a/..",
  "a/./b",
  ".hidden",
  "a/.hidden",
  "a\0b",
  "a\nb",
  "a\\b",
  "C:",
  "C:/x",
  "a.json/b",
  "a.json.zst/b",
  "a.ndjson/b",
  "con",
  "a/NUL",
  "a/com1.x",
  "a.",
  "a ",
  "\uD800",
  "x".repeat(300),
  "\u00E9".repeat(120),
  Array.from({ length: 600 }, () => "ab").join("/"),
  "objects/ab/cd",
  "work/runs/x",
  "store",
] as const;

/** Adds to a number, by compare-and-set. */
export async function increment(store: Store, key: string, times: number): Promise<void> {
  for (let done = 0; done < times; ) {
    const found = await store.documents.get(key);
    assert.ok(found !== undefined && typeof found.value === "number");
    try {
      await store.documents.put(key, found.value + 1, { expected: found.revision });
      done += 1;
    } catch (error) {
      assert.equal(error instanceof Error && "code" in error && error.code, "STORE_CONFLICT");
    }
  }
}

function keysOf(items: readonly { readonly key: string }[]): string[] {
  return items.map(({ key }) => key);
}

async function listAll(store: Store, prefix: string, limit: number): Promise<string[]> {
  const keys: string[] = [];
  for (let after: string | undefined; ; ) {
    const page = await store.documents.list(prefix, { limit, ...(after !== undefined && { after }) });
    keys.push(...keysOf(page.items));
    if (page.cursor === undefined) return keys;
    assert.equal(page.items.length, limit);
    after = page.cursor;
  }
}
