import assert from "node:assert/strict";
import type { LogItem, Store } from "../store.ts";
import { gather, type TestApi, type WithStores } from "./test-api.ts";

/** Texts that are easily changed on the way. */
const TEXTS = [
  "{}",
  '{"b":1,"a":2,"a":3}',
  '{ "spaces" : 1.0 }',
  '{"n":10000000000000001,"m":1e999,"z":-0.0}',
  '"\u2028\u2029"',
  '{"s":"\u{1F600}e\u0301"}',
  '{"s":"\\ud800"}',
  '{"cr":1}\r',
  " {} ",
  "null",
  `{"long":"${"x".repeat(300_000)}"}`,
];

/** A line with an id. */
export function item(id: string, more: Record<string, unknown> = {}): LogItem {
  return { text: JSON.stringify({ message_id: id, ...more }), dedupe: id };
}

/** Cases of logs. */
export function logCases({ it }: TestApi, withStores: WithStores): void {
  it(
    "logs: one that is not there has head 0 and no lines",
    withStores(async (open) => {
      const store = await open();
      assert.equal(await store.logs.head("a/log"), 0);
      assert.deepEqual(await gather(store.logs.read("a/log")), []);
      assert.deepEqual(await store.logs.list(""), []);
      assert.deepEqual(await store.logs.count("a/log", {}), { count: 0, asOf: 0, damaged: 0 });
    }),
  );

  it(
    "logs: text comes back byte for byte, at dense positions from 1",
    withStores(async (open) => {
      const store = await open();
      for (const [index, text] of TEXTS.entries()) {
        assert.deepEqual(await store.logs.append("a/log", [{ text }]), {
          position: index + 1,
          duplicate: false,
        });
      }
      assert.equal(await store.logs.head("a/log"), TEXTS.length);
      const expected = TEXTS.map((text, index) => ({ position: index + 1, text }));
      assert.deepEqual(await gather(store.logs.read("a/log")), expected);
      for (let from = 1; from <= TEXTS.length + 2; from += 1) {
        assert.deepEqual(
          await gather(store.logs.read("a/log", { from })),
          expected.slice(from - 1),
          `from ${from}`,
        );
      }
    }),
  );

  it(
    "logs: a batch has the position of its last line",
    withStores(async (open) => {
      const store = await open();
      const items = Array.from({ length: 50 }, (_, n) => ({ text: JSON.stringify({ n }) }));
      assert.deepEqual(await store.logs.append("a/log", items), { position: 50, duplicate: false });
      assert.deepEqual(await store.logs.append("a/log", items.slice(0, 3)), {
        position: 53,
        duplicate: false,
      });
      assert.deepEqual(
        (await gather(store.logs.read("a/log"))).map(({ text }) => text),
        [...items, ...items.slice(0, 3)].map(({ text }) => text),
      );
    }),
  );

  it(
    "logs: concurrent appends get different positions in the order of the log, batches in one piece",
    withStores(async (open) => {
      const store = await open();
      const batches = Array.from({ length: 40 }, (_, batch) =>
        Array.from({ length: 1 + (batch % 3) }, (__, n) => ({ text: JSON.stringify({ batch, n }) })),
      );
      const answers = await Promise.all(batches.map((items) => store.logs.append("a/log", items)));
      const lines = (await gather(store.logs.read("a/log"))).map(({ text }) => text);
      assert.equal(lines.length, batches.flat().length);
      for (const [index, items] of batches.entries()) {
        const end = answers[index]?.position ?? 0;
        assert.deepEqual(
          lines.slice(end - items.length, end),
          items.map(({ text }) => text),
        );
      }
    }),
  );

  it(
    "logs: append() refuses a stale position, writes nothing and says the actual one",
    withStores(async (open) => {
      const store = await open();
      await store.logs.append("a/log", [{ text: "{}" }], { expected: 0 });
      await assert.rejects(store.logs.append("a/log", [{ text: '{"n":2}' }], { expected: 0 }), {
        code: "STORE_CONFLICT",
        expected: 0,
        actual: 1,
      });
      await assert.rejects(store.logs.append("b/log", [{ text: "{}" }], { expected: 7 }), { actual: 0 });
      assert.deepEqual(await gather(store.logs.read("a/log")), [{ position: 1, text: "{}" }]);
      assert.deepEqual(await store.logs.list(""), ["a/log"]);
      const racers = await Promise.allSettled(
        Array.from({ length: 10 }, (_, n) =>
          store.logs.append("a/log", [{ text: String(n) }], { expected: 1 }),
        ),
      );
      assert.equal(racers.filter(({ status }) => status === "fulfilled").length, 1);
      assert.equal(await store.logs.head("a/log"), 2);
    }),
  );

  it(
    "logs: what is only written is there at once, in order with the rest; sync() makes it durable",
    withStores(async (open) => {
      const store = await open();
      await store.logs.sync("a/log"); // nothing to do
      const appends = Array.from({ length: 30 }, (_, n) =>
        store.logs.append("a/log", [{ text: JSON.stringify({ n }) }, { text: JSON.stringify({ n, b: 1 }) }], {
          durability: n % 3 === 0 ? "synced" : "written",
          whole: n % 2 === 0,
        }),
      );
      const positions = (await Promise.all(appends)).map(({ position }) => position);
      assert.deepEqual(
        positions,
        Array.from({ length: 30 }, (_, n) => 2 * n + 2),
      );
      await store.logs.sync("a/log");
      assert.equal((await gather(store.logs.read("a/log"))).length, 60);
      await assert.rejects(
        store.logs.append("a/log", [{ text: "{}" }], { durability: "written", expected: 7 }),
        { code: "STORE_CONFLICT", actual: 60 },
      );
      // @ts-expect-error there is no such durability
      await assert.rejects(store.logs.append("a/log", [{ text: "{}" }], { durability: "some" }), TypeError);
    }),
  );

  it(
    "logs: rotation splits nothing, and nobody notices it",
    withStores(async (open) => {
      const store = await open();
      for (let n = 1; n <= 40; n += 1) {
        const items = Array.from({ length: 1 + (n % 3) }, (_, part) => ({
          text: JSON.stringify({ n, part }),
        }));
        await store.logs.append("a/events", items, { rotateBytes: 100, durability: "written" });
      }
      const lines = await gather(store.logs.read("a/events"));
      const expected = Array.from({ length: 40 }, (_, n) =>
        Array.from({ length: 1 + ((n + 1) % 3) }, (__, part) => JSON.stringify({ n: n + 1, part })),
      ).flat();
      assert.deepEqual(
        lines.map(({ text }) => text),
        expected,
      );
      assert.equal(await store.logs.head("a/events"), expected.length);
      assert.equal((await store.logs.find("a/events", {}, { limit: 1_000 })).items.length, expected.length);
      for (const rotateBytes of [0, -1, 1.5, Number.NaN]) {
        await assert.rejects(store.logs.append("a/events", [{ text: "{}" }], { rotateBytes }), RangeError);
      }
    }),
  );

  it(
    "logs: a line with a known dedupe id is not written again, and its position is the answer",
    withStores(async (open) => {
      const store = await open();
      await store.logs.append("a/log", [{ text: "{}" }, item("m1")]);
      await store.logs.append("a/log", [{ text: "{}" }]);
      assert.deepEqual(await store.logs.append("a/log", [item("m1", { other: true })]), {
        position: 2,
        duplicate: true,
      });
      // A retry whose first answer was lost still names the position it was meant for.
      assert.deepEqual(await store.logs.append("a/log", [item("m1")], { expected: 1 }), {
        position: 2,
        duplicate: true,
      });
      assert.equal(await store.logs.head("a/log"), 3);
      assert.deepEqual(await store.logs.append("b/log", [item("m1")]), { position: 1, duplicate: false });
    }),
  );

  it(
    "logs: of a batch only the lines that are not known are written",
    withStores(async (open) => {
      const store = await open();
      await store.logs.append("a/log", [item("m1"), item("m2")]);
      assert.deepEqual(await store.logs.append("a/log", [item("m1"), item("m2")]), {
        position: 2,
        duplicate: true,
      });
      assert.deepEqual(await store.logs.append("a/log", [item("m2"), item("m3"), item("m3")]), {
        position: 3,
        duplicate: false,
      });
      assert.deepEqual(
        (await gather(store.logs.read("a/log"))).map(({ text }) => text),
        [item("m1").text, item("m2").text, item("m3").text],
      );
    }),
  );

  it(
    "logs: concurrent appends of one dedupe id write it once",
    withStores(async (open) => {
      const store = await open();
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => store.logs.append("a/log", [item("m1")])),
      );
      assert.equal(answers.filter(({ duplicate }) => !duplicate).length, 1);
      assert.ok(answers.every(({ position }) => position === 1));
      assert.equal(await store.logs.head("a/log"), 1);
    }),
  );

  it(
    "logs: an id that is only inside the text, as a field of a field or part of a value, is not a known one",
    withStores(async (open) => {
      const store = await open();
      await store.logs.append("a/log", [
        { text: JSON.stringify({ payload: { message_id: "m1" }, message_id: "m0" }) },
        { text: JSON.stringify({ message_id: "m12", note: '"message_id":"m1"' }) },
        { text: JSON.stringify(["message_id", "m1"]) },
        { text: JSON.stringify({ event_id: "m2", message_id: "m1" }) },
      ]);
      assert.deepEqual(await store.logs.append("a/log", [item("m1")]), { position: 5, duplicate: false });
      assert.deepEqual(await store.logs.append("a/log", [item("m2")]), { position: 4, duplicate: true });
    }),
  );

  it(
    "logs: what cannot be a line is refused before anything is written",
    withStores(async (open) => {
      const store = await open();
      const refused: readonly (readonly LogItem[])[] = [
        [],
        [{ text: "a\nb" }],
        [{ text: "{}" }, { text: "\n" }],
        [{ text: "\uD800" }],
        [{ text: "" }],
        [{ text: '"\0"' }],
        [{ text: "{}", dedupe: "m1" }],
        [{ text: '{"message_id":"m2"}', dedupe: "m1" }],
      ];
      for (const items of refused) await assert.rejects(store.logs.append("a/log", items), TypeError);
      const limit = store.capabilities.maxText;
      await assert.rejects(store.logs.append("a/log", [{ text: "x".repeat(limit + 1) }]), {
        code: "STORE_TEXT_TOO_LARGE",
      });
      await assert.rejects(store.logs.append("a/log", [{ text: "\u00E9".repeat(limit / 2 + 1) }]), {
        code: "STORE_TEXT_TOO_LARGE",
      });
      assert.equal(await store.logs.head("a/log"), 0);
      const text = JSON.stringify("x".repeat(limit - 2));
      await store.logs.append("a/log", [{ text }]);
      assert.deepEqual(await gather(store.logs.read("a/log")), [{ position: 1, text }]);
      await assert.rejects(gather(store.logs.read("a/log", { from: 0 })), RangeError);
    }),
  );

  it(
    "logs: a transcript holds any text, empty lines too",
    withStores(async (open) => {
      const store = await open();
      const texts = ["# A story", "", "  indented\t", "not JSON {", "\u0007bell", "\r"];
      for (const text of texts) await store.logs.append("a/transcript", [{ text }]);
      assert.deepEqual(
        (await gather(store.logs.read("a/transcript"))).map(({ text }) => text),
        texts,
      );
    }),
  );

  it(
    "logs: list() gives the logs under a prefix, in byte order",
    withStores(async (open) => {
      const store = await open();
      for (const key of ["r/b/ledger", "r/a/events", "r/a/transcript", "r/a/ledger", "s"]) {
        await store.logs.append(key, [{ text: "{}" }]);
      }
      await store.documents.put("r/a/run", 1);
      assert.deepEqual(await store.logs.list("r/a/"), ["r/a/events", "r/a/ledger", "r/a/transcript"]);
      assert.deepEqual(await store.logs.list(""), [
        "r/a/events",
        "r/a/ledger",
        "r/a/transcript",
        "r/b/ledger",
        "s",
      ]);
      assert.deepEqual(await store.logs.list("none/"), []);
    }),
  );

  it(
    "logs: a reader that breaks off or aborts leaves the log as it is",
    withStores(async (open) => {
      const store = await open();
      await store.logs.append(
        "a/log",
        Array.from({ length: 1_000 }, (_, n) => ({ text: `{"n":${n}}` })),
      );
      for await (const { position } of store.logs.read("a/log")) if (position === 3) break;
      const abort = new AbortController();
      await assert.rejects(
        async () => {
          for await (const { position } of store.logs.read("a/log", { signal: abort.signal })) {
            if (position === 3) abort.abort();
          }
        },
        { name: "AbortError" },
      );
      assert.equal((await gather(store.logs.read("a/log"))).length, 1_000);
    }),
  );

  it(
    "logs: tail() gives what is there, then what comes, and ends when it is aborted",
    withStores(async (open) => {
      const store = await open();
      await store.logs.append("a/log", [{ text: "1" }, { text: "2" }]);
      const abort = new AbortController();
      const seen: string[] = [];
      const done = (async () => {
        for await (const { text } of store.logs.tail("a/log", { from: 2, signal: abort.signal })) {
          seen.push(text);
          if (text === "4") abort.abort();
        }
      })();
      await store.logs.append("a/log", [{ text: "3" }]);
      await store.logs.append("a/log", [{ text: "4" }]);
      await done;
      assert.deepEqual(seen, ["2", "3", "4"]);
    }),
  );

  it(
    "logs: tail() waits for a log that is not there yet, and ends with the store",
    withStores(async (open) => {
      const store = await open();
      const first = store.logs.tail("a/log")[Symbol.asyncIterator]();
      const next = first.next();
      await store.logs.append("a/log", [{ text: "1" }]);
      assert.deepEqual((await next).value, { position: 1, text: "1" });
      const end = first.next();
      await store.close();
      assert.equal((await end).done, true);
    }),
  );

  it(
    "close() ends the use of a store, twice is fine",
    withStores(async (open) => {
      const store = await open();
      await store.logs.append("a/log", [{ text: "1" }]);
      await store.close();
      await store.close();
      await assertClosed(store);
    }),
  );
}

async function assertClosed(store: Store): Promise<void> {
  const closed = { code: "STORE_CLOSED" };
  await assert.rejects(store.documents.get("a"), closed);
  await assert.rejects(store.documents.put("a", 1), closed);
  await assert.rejects(store.documents.delete("a"), closed);
  await assert.rejects(store.documents.list(""), closed);
  await assert.rejects(store.logs.append("a/log", [{ text: "1" }]), closed);
  await assert.rejects(store.logs.head("a/log"), closed);
  await assert.rejects(gather(store.logs.read("a/log")), closed);
  await assert.rejects(store.logs.find("a/log", {}, { limit: 1 }), closed);
  await assert.rejects(store.objects.put(new Uint8Array(1)), closed);
  await assert.rejects(gather(store.objects.list()), closed);
  await assert.rejects(store.work.offer("q", "a", 1), closed);
  await assert.rejects(store.work.claim("q", "w"), closed);
}
