import assert from "node:assert/strict";
import { memoryStore } from "@holdfast/storage";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { anyStream, inOrder } from "../test/written-by-hand.ts";
import { type CausalityLevel, eventLog, type StoredEvent } from "./index.ts";

/** The levels each way, by looking at every event for every level. */
function byHand(
  all: readonly StoredEvent[],
  start: StoredEvent,
  depth: number,
): Record<"up" | "down", CausalityLevel[]> {
  const first = all.filter(
    ({ event_id }, at) => all.findIndex((other) => other.event_id === event_id) === at,
  );
  const up: CausalityLevel[] = [];
  const down: CausalityLevel[] = [];
  const seenUp = new Set([start.event_id]);
  const seenDown = new Set([start.event_id]);
  let above = [start];
  let below = [start.event_id];
  for (let level = 1; level <= depth; level += 1) {
    const wanted = new Set(above.flatMap(({ caused_by = [] }) => caused_by).filter((id) => !seenUp.has(id)));
    if (wanted.size > 0) {
      above = first.filter(({ event_id }) => wanted.has(event_id));
      const missing = [...wanted].filter((id) => !above.some(({ event_id }) => event_id === id)).toSorted();
      up.push({ depth: level, events: above, missing });
      for (const id of wanted) seenUp.add(id);
    } else above = [];
    const named = all.filter(({ caused_by = [] }) => caused_by.some((id) => below.includes(id)));
    const fresh = named.filter(
      ({ event_id }, at) =>
        !seenDown.has(event_id) && named.findIndex((other) => other.event_id === event_id) === at,
    );
    if (fresh.length > 0) down.push({ depth: level, events: fresh, missing: [] });
    below = fresh.map(({ event_id }) => event_id);
    for (const id of below) seenDown.add(id);
  }
  return { up, down };
}

/** A line that says what caused it. */
function line(event_id: string, caused_by: string[]): { text: string } {
  const base = { timestamp: "2026-01-02T03:04:05Z", turn_number: 1, simulation_id: "r" };
  const details = { calculation_type: "x", intermediate_values: 1 };
  return { text: JSON.stringify({ event_id, ...base, event_type: "DETAIL", caused_by, details }) };
}

describe("causality()", () => {
  it("gives the levels that a scan gives, with cycles, repeats and unknown causes", async () => {
    await fc.assert(
      fc.asyncProperty(anyStream, fc.integer({ min: 1, max: 20 }), async (stream, depth) => {
        const lines = stream.files.flat();
        const all = inOrder(lines);
        await using store = memoryStore();
        if (lines.length > 0)
          await store.logs.append(
            "runs/r/events",
            lines.map((text) => ({ text })),
          );
        const log = eventLog(store, "r");
        for (const event of all.slice(0, 8)) {
          const start = all.find(({ event_id }) => event_id === event.event_id) ?? event;
          const { up, down } = byHand(all, start, depth);
          assert.deepEqual(await log.causality(start.event_id, { depth }), {
            event_id: start.event_id,
            event: start,
            upstream: up,
            downstream: down,
            truncated: false,
          });
        }
        assert.equal(await log.causality("01M7Z0NH2WQN8YT1GBVA31WQZZ", { depth }), undefined);
      }),
      { numRuns: 100 },
    );
  });

  it("follows five levels unless told otherwise, over more events than one search takes", async () => {
    await using store = memoryStore();
    const fan = Array.from({ length: 2_500 }, (_, number) => `fan-${String(number).padStart(4, "0")}`);
    await store.logs.append("runs/r/events", [
      line("root", []),
      ...fan.map((id) => line(id, ["root"])),
      line("join", fan),
      ...Array.from({ length: 7 }, (_, at) => line(`chain-${at}`, [at === 0 ? "join" : `chain-${at - 1}`])),
    ]);
    const log = eventLog(store, "r");
    const down = (await log.causality("root"))?.downstream;
    assert.deepEqual(
      down?.map(({ depth, events }) => [depth, events.length, events[0]?.event_id]),
      [
        [1, 2_500, "fan-0000"],
        [2, 1, "join"],
        [3, 1, "chain-0"],
        [4, 1, "chain-1"],
        [5, 1, "chain-2"],
      ],
    );
    const up = (await log.causality("join"))?.upstream;
    assert.deepEqual(
      up?.map(({ events }) => events.map(({ event_id }) => event_id)),
      [fan, ["root"]],
    );
    const cut = await log.causality("root", { maxEvents: 100 });
    assert.deepEqual(
      [cut?.truncated, cut?.downstream.length, cut?.downstream[0]?.events.length],
      [true, 1, 100],
    );
  });

  it.each([{ depth: 0 }, { depth: 21 }, { depth: 1.5 }, { maxEvents: 0 }])("refuses %j", async (options) => {
    await using store = memoryStore();
    await assert.rejects(eventLog(store, "r").causality("x", options), RangeError);
  });
});
