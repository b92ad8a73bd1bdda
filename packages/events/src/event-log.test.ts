import assert from "node:assert/strict";
import { fileStore, memoryStore, type Store } from "@holdfast/storage";
import { temporaryFolder } from "@holdfast/test-kit";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { action } from "../test/events.ts";
import {
  anyFilter,
  anyStream,
  inOrder,
  isAskedFor,
  type WrittenStream,
  writeStream,
} from "../test/written-by-hand.ts";
import {
  EventError,
  type EventFilter,
  eventLog,
  eventSummaries,
  openEventStream,
  type StoredEvent,
} from "./index.ts";

/** Runs a check over files that other programs wrote, and over the same lines in memory. */
async function overBoth(stream: WrittenStream, check: (store: Store) => Promise<void>): Promise<void> {
  using folder = temporaryFolder();
  writeStream(folder.path, "r", stream);
  await using files = fileStore(folder.path);
  await check(files);
  await using memory = memoryStore();
  const items = stream.files.flat().map((text) => ({ text }));
  if (items.length > 0) await memory.logs.append("runs/r/events", items);
  await check(memory);
}

const isCode = (code: string) => (error: unknown) => error instanceof EventError && error.code === code;

describe("query()", () => {
  it("answers what a scan of all files answers, for every filter and page", async () => {
    const page = fc.record({
      limit: fc.integer({ min: 1, max: 20 }),
      offset: fc.nat({ max: 40 }),
      newest_first: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        anyStream,
        fc.array(fc.tuple(anyFilter, page), { minLength: 1, maxLength: 6 }),
        async (stream, asked) => {
          const lines = stream.files.flat();
          const all = inOrder(lines);
          await overBoth(stream, async (store) => {
            const log = eventLog(store, "r");
            for (const [filter, { limit, offset, newest_first }] of asked) {
              const matching = all.filter((event) => isAskedFor(event, filter));
              const ordered = newest_first ? matching.toReversed() : matching;
              const found = await log.query({ ...filter, limit, offset, newest_first });
              assert.deepEqual(found.events, ordered.slice(offset, offset + limit));
              assert.equal(found.total, matching.length);
              assert.equal(found.has_more, ordered.length > offset + limit);
              assert.equal(found.next_cursor !== undefined, found.has_more);
              const corrupt_lines = lines.length - all.length;
              assert.equal(found.corrupt_lines, corrupt_lines);
              assert.deepEqual(await log.count(filter), { total: matching.length, corrupt_lines });
              const selected = await Array.fromAsync(log.select({ ...filter, limit, offset, newest_first }));
              assert.deepEqual(selected, ordered.slice(offset, offset + limit));
              assert.deepEqual(await Array.fromAsync(log.select(filter)), matching);
              // All pages together are everything, once.
              const pages: StoredEvent[] = [];
              for (let cursor: string | undefined; ; ) {
                const next: EventFilter = {
                  ...filter,
                  limit,
                  newest_first,
                  ...(cursor !== undefined && { cursor }),
                };
                const got = await log.query(next);
                pages.push(...got.events);
                assert.equal(got.total, matching.length);
                if (got.next_cursor === undefined) break;
                cursor = got.next_cursor;
              }
              assert.deepEqual(pages, ordered);
            }
          });
        },
      ),
      { numRuns: 60 },
    );
  });

  it("says how many lines are none", async () => {
    await using store = memoryStore();
    await store.logs.append("runs/r/events", [{ text: "{" }, { text: "[]" }, { text: '"x"' }]);
    const stream = await openEventStream(store, "r");
    stream.emit(action(1));
    await stream.close();
    const { total, corrupt_lines, events } = await eventLog(store, "r").query();
    assert.deepEqual([total, corrupt_lines, events.length], [1, 3, 1]);
  });

  it("has 1,000 events a page unless told otherwise, and an empty page for a run that there is not", async () => {
    await using store = memoryStore();
    const stream = await openEventStream(store, "r");
    for (let turn = 0; turn < 1_001; turn += 1) stream.emit(action(turn));
    await stream.close();
    assert.equal((await eventLog(store, "r").query()).events.length, 1_000);
    assert.deepEqual(await eventLog(store, "other").query(), {
      events: [],
      total: 0,
      has_more: false,
      corrupt_lines: 0,
    });
  });

  it.each<[string, EventFilter]>([
    ["event_types.0", { event_types: ["LUNCH" as "SYSTEM"] }],
    ["turn_end", { turn_start: 3, turn_end: 2 }],
    ["turn_start", { turn_start: -1 }],
    ["start_timestamp", { start_timestamp: "yesterday" }],
    ["start_timestamp", { start_timestamp: "yesterday", end_timestamp: "2026-01-02T03:04:05Z" }],
    [
      "end_timestamp",
      { start_timestamp: "2026-01-02T03:04:05Z", end_timestamp: "2026-01-02T04:04:04.9+01:00" },
    ],
    ["agent_ids.0", { agent_ids: [""] }],
    ["limit", { limit: 0 }],
    ["limit", { limit: 10_001 }],
    ["offset", { offset: -1 }],
    ["offset", { offset: 1, cursor: "x" }],
    ["cursor", { cursor: "no cursor" }],
    ["", { turns: 3 } as EventFilter],
  ])("refuses a wrong %s", async (path, filter) => {
    await using store = memoryStore();
    await assert.rejects(
      eventLog(store, "r").query(filter),
      (error) => isCode("EVENT_FILTER")(error) && (error as EventError).path === path,
    );
  });
});

describe("get()", () => {
  it("gives each event, and none for an id that there is not", async () => {
    await fc.assert(
      fc.asyncProperty(anyStream, async (stream) => {
        const all = inOrder(stream.files.flat());
        await overBoth(stream, async (store) => {
          const log = eventLog(store, "r");
          for (const { event_id } of all) {
            assert.deepEqual(
              await log.get(event_id),
              all.find((event) => event.event_id === event_id),
            );
          }
          assert.equal(await log.get("01M7Z0NH2WQN8YT1GBVA31WQZZ"), undefined);
          assert.equal(await log.get(""), undefined);
        });
      }),
      { numRuns: 30 },
    );
  });
});

describe("eventSummaries()", () => {
  it("lists the runs that have a stream", async () => {
    await using store = memoryStore();
    for (const run of ["b", "a"]) {
      const stream = await openEventStream(store, run, { clock: () => 1_000_000n });
      stream.emit(action(1));
      stream.emit(action(2));
      await stream.close();
    }
    await store.documents.put("runs/b/run", { name: "Economy", started_at: "2026-01-02T03:04:05Z" });
    await store.documents.put("runs/c/run", { name: "No stream" });
    await store.logs.append("runs/b/ledger", [{ text: "{}" }]);
    assert.deepEqual(await eventSummaries(store), [
      { id: "a", name: "a", start_time: "1970-01-01T00:00:01.000000Z", event_count: 2 },
      { id: "b", name: "Economy", start_time: "2026-01-02T03:04:05Z", event_count: 2 },
    ]);
  });
});
