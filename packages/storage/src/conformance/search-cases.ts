import assert from "node:assert/strict";
import type { Filter, Store } from "../store.ts";
import { parseTimestamp } from "../timestamp.ts";
import type { TestApi, WithStores } from "./test-api.ts";

const LINES = [
  { event_id: "e1", timestamp: "2026-01-01T00:00:03Z", event_type: "ACTION", agent_id: "a", turn_number: 1 },
  { event_id: "e2", timestamp: "2026-01-01T00:00:01Z", event_type: "STATE", agent_id: "b", turn_number: 1 },
  {
    event_id: "e3",
    timestamp: "2026-01-01T01:00:02+01:00",
    event_type: "ACTION",
    agent_id: "a",
    turn_number: 2,
    caused_by: ["e1", "e2"],
  },
  {
    message_id: "m4",
    occurred_at: "2026-01-01T00:00:02.000000Z",
    kind: "event",
    event: "done",
    from: { agent_id: "c" },
  },
  { message_id: "m5", kind: "command" },
  { kind: "log", timestamp: "not a time" },
  {
    event_id: "e7",
    timestamp: "2026-01-01T00:00:02.000000500Z",
    agent_id: null,
    turn_number: "2",
    caused_by: "e1",
  },
  ["no", "object"],
];

/** Cases of `find` and `count`. */
export function searchCases({ it }: TestApi, withStores: WithStores): void {
  it(
    "find(): every mark can be asked for, alone and together; count() agrees",
    withStores(async (open) => {
      const store = await open();
      await fill(store);
      const second = parseTimestamp("2026-01-01T00:00:02Z");
      await expectFound(store, {}, [6, 5, 2, 3, 7, 4, 1]);
      await expectFound(store, { types: ["ACTION"] }, [3, 1]);
      await expectFound(store, { types: ["done", "command"] }, [5, 4]);
      await expectFound(store, { agents: ["b", "c"] }, [2, 4]);
      await expectFound(store, { from: second }, [3, 7, 4, 1]);
      await expectFound(store, { from: second, to: second }, [3, 7, 4]);
      await expectFound(store, { to: second - 1n }, [2]);
      await expectFound(store, { turnStart: 2 }, [3]);
      await expectFound(store, { turnEnd: 1 }, [2, 1]);
      await expectFound(store, { ids: ["e7", "m5", "none"] }, [5, 7]);
      await expectFound(store, { causes: ["e2", "x"] }, [3]);
      await expectFound(store, { types: ["ACTION"], turnEnd: 1, agents: ["a"] }, [1]);
      await expectFound(store, { types: [] }, []);
    }),
  );

  it(
    "find(): pages follow each other without gaps or repeats, in both directions, while the log grows",
    withStores(async (open) => {
      const store = await open();
      const items = Array.from({ length: 60 }, (_, n) => ({
        text: JSON.stringify({
          event_id: `e${n % 7}`,
          timestamp: `2026-01-01T00:00:${String(n % 10).padStart(2, "0")}Z`,
          n,
        }),
      }));
      await store.logs.append("a/events", items);
      const all = await store.logs.find("a/events", {}, { limit: 100 });
      assert.equal(all.items.length, 60);
      assert.equal(all.cursor, undefined);
      assert.equal(all.asOf, 60);
      const positions = all.items.map(({ position }) => position);
      for (const newestFirst of [false, true]) {
        const expected = newestFirst ? positions.toReversed() : positions;
        for (const limit of [1, 7, 60]) {
          assert.deepEqual(await findAll(store, {}, { limit, newestFirst }), expected);
        }
        const skipped = await store.logs.find("a/events", {}, { limit: 5, offset: 50, newestFirst });
        assert.deepEqual(
          skipped.items.map(({ position }) => position),
          expected.slice(50, 55),
        );
      }
      const first = await store.logs.find("a/events", {}, { limit: 10 });
      await store.logs.append("a/events", [
        { text: JSON.stringify({ event_id: "late", timestamp: "2020-01-01T00:00:00Z" }) },
      ]);
      assert.ok(first.cursor !== undefined);
      const second = await store.logs.find("a/events", {}, { limit: 10, cursor: first.cursor });
      assert.deepEqual(
        second.items.map(({ position }) => position),
        positions.slice(10, 20),
      );
      assert.equal(second.asOf, 61);
      for (const cursor of ["", "x", "bnVsbA", "W10"]) {
        await assert.rejects(store.logs.find("a/events", {}, { limit: 1, cursor }), RangeError);
      }
      await assert.rejects(store.logs.find("a/events", {}, { limit: 0 }), RangeError);
    }),
  );
}

/** Cases of lines that are no records. */
export function damagedLineCases({ it }: TestApi, withStores: WithStores): void {
  it(
    "find() and count(): lines that are no JSON objects keep their positions, are counted, and never found",
    withStores(async (open) => {
      const store = await open();
      const texts = [
        '{"n":1}',
        "garbage",
        "[]",
        '{"n":',
        "null",
        '"text"',
        '\ufeff{"n":2}',
        ' {"n":3} ',
        "7",
      ];
      for (const text of texts) await store.logs.append("a/events", [{ text }]);
      const found = await store.logs.find("a/events", {}, { limit: 10 });
      assert.deepEqual(found, {
        items: [
          { position: 1, text: '{"n":1}' },
          { position: 7, text: '{"n":2}' },
          { position: 8, text: ' {"n":3} ' },
        ],
        asOf: 9,
        damaged: 6,
      });
      assert.deepEqual(await store.logs.count("a/events", { types: ["x"] }), {
        count: 0,
        asOf: 9,
        damaged: 6,
      });
      // Plain text has no records, and no damage.
      await store.logs.append("a/transcript", [{ text: "hello" }, { text: "{}" }]);
      const text = await store.logs.find("a/transcript", {}, { limit: 10 });
      assert.deepEqual([text.items.length, text.asOf, text.damaged], [2, 2, 0]);
    }),
  );

  it(
    "find() and count(): stop when they are told to",
    withStores(async (open) => {
      const store = await open();
      await fill(store);
      const signal = AbortSignal.abort(new Error("enough"));
      await assert.rejects(store.logs.find("a/events", {}, { limit: 1, signal }), { message: "enough" });
      await assert.rejects(store.logs.count("a/events", {}, { signal }), { message: "enough" });
      assert.equal((await store.logs.count("a/events", {})).asOf, LINES.length);
    }),
  );
}

async function fill(store: Store): Promise<void> {
  await store.logs.append(
    "a/events",
    LINES.map((line) => ({ text: JSON.stringify(line) })),
  );
}

async function expectFound(store: Store, filter: Filter, positions: readonly number[]): Promise<void> {
  const found = await store.logs.find("a/events", filter, { limit: 100 });
  const label = JSON.stringify(filter, (_key, value: unknown) =>
    typeof value === "bigint" ? String(value) : value,
  );
  assert.deepEqual(
    found.items.map(({ position }) => position),
    positions,
    label,
  );
  assert.deepEqual(
    found.items.map(({ text }) => text),
    positions.map((position) => JSON.stringify(LINES[position - 1])),
  );
  assert.deepEqual(await store.logs.count("a/events", filter), {
    count: positions.length,
    asOf: LINES.length,
    damaged: 1,
  });
}

async function findAll(
  store: Store,
  filter: Filter,
  options: { limit: number; newestFirst: boolean },
): Promise<number[]> {
  const positions: number[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await store.logs.find("a/events", filter, {
      ...options,
      ...(cursor !== undefined && { cursor }),
    });
    positions.push(...page.items.map(({ position }) => position));
    if (page.cursor === undefined) return positions;
    cursor = page.cursor;
  }
}
