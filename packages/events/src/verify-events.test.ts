import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileStore, memoryStore } from "@holdfast/storage";
import { temporaryFolder } from "@holdfast/test-kit";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { action } from "../test/events.ts";
import { eventLog, openEventStream, verifyEvents } from "./index.ts";

const at = (second: number): string => `2026-01-02T03:04:${String(second).padStart(2, "0")}Z`;
const detail = (event_id: string, caused_by: readonly string[] = [], second = 1): string =>
  JSON.stringify({
    event_id,
    timestamp: at(second),
    turn_number: 1,
    event_type: "DETAIL",
    simulation_id: "r",
    caused_by,
    details: { calculation_type: "x", intermediate_values: 1 },
  });
const ID = (number: number): string => `01M7Z0NH2WQN8YT1GBVA31WQ${String(number).padStart(2, "0")}`;

async function findingsOf(lines: readonly string[], maxPerKind?: number): Promise<string[]> {
  await using store = memoryStore();
  await store.logs.append(
    "runs/r/events",
    lines.map((text) => ({ text })),
  );
  const found = await verifyEvents(store, "r", maxPerKind === undefined ? {} : { maxPerKind });
  return found.map(
    ({ kind, place, message }) => `${kind} ${place.replace(/^.*?(\d+)\)?$/, "$1")} ${message}`,
  );
}

describe("verifyEvents()", () => {
  it("finds nothing in what a stream wrote", async () => {
    await using store = memoryStore();
    const stream = await openEventStream(store, "r");
    let last: string | undefined;
    for (let turn = 0; turn < 2_000; turn += 1) last = stream.emit(action(turn, { caused_by: [last] }));
    await stream.close();
    assert.deepEqual(await verifyEvents(store, "r"), []);
    assert.deepEqual(await verifyEvents(store, "other"), []);
  });

  it("finds each kind of fault, where it is", async () => {
    const found = await findingsOf([
      detail(ID(1), [ID(1)], 5),
      detail(ID(2), [ID(3), ID(99)], 6),
      detail(ID(3), [ID(2)], 4),
      '{"event_type":"LUNCH","event_id":"x","timestamp":"2026-01-02T03:04:05Z"}',
      "no JSON at all",
      detail(ID(2), [], 7).replace('"r"', '"other"'),
      detail(ID(4), [], 7).replace("intermediate_values", "other"),
    ]);
    assert.deepEqual(
      found.toSorted((a, b) => (a < b ? -1 : 1)),
      [
        `cause_cycle 1 event ${ID(1)} is among its own causes: ${ID(1)} <- ${ID(1)}`,
        `cause_cycle 2 event ${ID(2)} is among its own causes: ${ID(2)} <- ${ID(3)} <- ${ID(2)}`,
        `duplicate 6 event id ${ID(2)} was there before`,
        `event_schema 7 event ${ID(4)} is no whole DETAIL: "details.intermediate_values" is missing; null is a value`,
        "not_an_event 4 the line is no event: it has no usable event_type, turn_number",
        `order 3 event ${ID(3)} of ${at(4)} stands behind one of ${at(6)}`,
        `other_run 6 event ${ID(2)} says it belongs to "other"`,
        `unknown_cause 2 event ${ID(2)} names ${ID(99)} as a cause, which is not in the stream`,
      ],
    );
  });

  it("lists so many of a kind, and counts the rest", async () => {
    const lines = Array.from({ length: 50 }, (_, number) => detail(ID(number), ["nobody"]));
    const found = await findingsOf(lines, 3);
    assert.equal(found.length, 4);
    assert.match(found[3] ?? "", /47 more of this kind \(unknown_cause\) are not listed$/);
  });

  it("finds duplicates and unknown causes far from each other", async () => {
    const many = Array.from({ length: 3_000 }, (_, number) =>
      detail(`b${String(number).padStart(5, "0")}`, ["a"]),
    );
    const found = await findingsOf([
      detail("a", ["zz"]),
      ...many,
      detail("b00007"),
      detail("zz"),
      detail("a", ["b00001", "x"]),
    ]);
    assert.deepEqual(
      found
        .filter((text) => !text.startsWith("event_schema"))
        .map((text) => text.split(" ").slice(0, 2).join(" "))
        .toSorted((a, b) => (a < b ? -1 : 1)),
      ["duplicate 3002", "duplicate 3004", "unknown_cause 3004"],
    );
  });

  it("agrees with what can be found by hand about ids and cycles", async () => {
    const graph = fc.array(fc.tuple(fc.nat({ max: 12 }), fc.array(fc.nat({ max: 14 }), { maxLength: 2 })), {
      minLength: 1,
      maxLength: 14,
    });
    await fc.assert(
      fc.asyncProperty(graph, async (nodes) => {
        const ids = nodes.map(([id]) => ID(id));
        const edges = nodes.map(([, causes]) => [...new Set(causes)].map(ID));
        const found = await findingsOf(
          ids.map((id, index) => detail(id, edges[index] ?? [])),
          1_000,
        );
        const count = (kind: string): number => found.filter((text) => text.startsWith(kind)).length;
        assert.equal(count("duplicate"), ids.length - new Set(ids).size);
        assert.equal(count("unknown_cause"), edges.flat().filter((id) => !ids.includes(id)).length);
        if (new Set(ids).size < ids.length) return;
        // With each id once: a cycle is there when taking away events without open causes does not take away all.
        let left = ids.map((id, index) => ({ id, causes: edges[index] ?? [] }));
        for (let before = -1; before !== left.length; ) {
          before = left.length;
          left = left.filter(({ causes }) => causes.some((cause) => left.some(({ id }) => id === cause)));
        }
        assert.equal(count("cause_cycle") > 0, left.length > 0);
      }),
      { numRuns: 300 },
    );
  });
});

describe("lines that are no text", () => {
  it("a file that was put aside and has no end is told of, and does not keep verifyEvents() for ever", async () => {
    using folder = temporaryFolder();
    await using store = fileStore(folder.path);
    await store.create();
    const place = join(folder.path, "runs", "r");
    mkdirSync(place, { recursive: true });
    writeFileSync(
      join(place, "events_2026-01-01_00-00-00.jsonl"),
      `${detail(ID(1))}\n${detail(ID(2)).slice(0, 40)}`,
    );
    writeFileSync(join(place, "events.jsonl"), `${detail(ID(3))}\n`);
    await assert.rejects(verifyEvents(store, "r"), { code: "STORE_DAMAGED", line: 2 });
    const { events, corrupt_lines } = await eventLog(store, "r").query();
    assert.deepEqual(
      events.map(({ event_id }) => event_id),
      [ID(1), ID(3)],
    );
    assert.ok(corrupt_lines >= 0);
  });

  it("hide nothing behind them from verifyEvents() and follow()", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "runs", "r");
    mkdirSync(path, { recursive: true, mode: 0o700 });
    const file = join(path, "events.jsonl");
    writeFileSync(file, `${detail(ID(1))}\n`, { mode: 0o600 });
    appendFileSync(file, Buffer.from([0x7b, 0xff, 0xfe, 0x0a, 0xff, 0x0a]));
    appendFileSync(file, `${detail(ID(2), ["nobody"])}\n`);
    await using store = fileStore(folder.path);
    assert.deepEqual(
      (await verifyEvents(store, "r")).map(({ kind, place }) => [kind, place]),
      [["unknown_cause", "runs/r/events.jsonl:4"]],
    );
    const stop = new AbortController();
    const seen: string[] = [];
    for await (const { event_id } of eventLog(store, "r").follow(
      {},
      { from: "start", signal: stop.signal },
    )) {
      seen.push(event_id);
      if (seen.length === 2) stop.abort();
    }
    assert.deepEqual(seen, [ID(1), ID(2)]);
  });
});
