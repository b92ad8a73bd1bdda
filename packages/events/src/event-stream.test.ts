import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import { memoryStore } from "@holdfast/storage";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { action, anyEvent } from "../test/events.ts";
import { gatedStore, linesOf, toldDropped } from "../test/slow-store.ts";
import {
  EventError,
  type EventInput,
  eventFactory,
  openEventStream,
  streamEventSchema,
  type VerbosityLevel,
} from "./index.ts";

const isCode = (code: string) => (error: unknown) => error instanceof EventError && error.code === code;

describe("emit()", () => {
  it("writes every event, in order, as a line that its schema takes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyEvent, { maxLength: 50 }), async (events) => {
        await using store = memoryStore();
        const stream = await openEventStream(store, "r");
        const ids = events.map((event) => stream.emit(event));
        await stream.close();
        const lines = await linesOf(store);
        assert.deepEqual(
          lines,
          events.map((event, index) => {
            const { timestamp } = lines[index] ?? {};
            return { event_id: ids[index], timestamp, simulation_id: "r", ...event };
          }),
        );
        assert.deepEqual(
          ids,
          ids.toSorted((a = "", b = "") => (a < b ? -1 : 1)),
        );
        for (const line of lines) assert.deepEqual(streamEventSchema.parse(line), line);
        assert.deepEqual(stream.stats, {
          emitted: events.length,
          kept: events.length,
          dropped: 0,
          filtered: 0,
        });
      }),
    );
  });

  it("takes the event as it is: what the caller changes later changes nothing", async () => {
    await using store = memoryStore();
    const stream = await openEventStream(store, "r");
    const payload = { n: 1 };
    stream.emit(action(1, { details: { action_type: "x", action_payload: payload } }));
    payload.n = 2;
    await stream.drain();
    assert.deepEqual((await linesOf(store))[0]?.["details"], { action_type: "x", action_payload: { n: 1 } });
  });

  it("returns before anything is written, and writes a burst at once", async () => {
    const { store, appends } = gatedStore(() => undefined);
    const stream = await openEventStream(store, "r", { durability: "synced", rotateBytes: 1_000 });
    for (let turn = 0; turn < 100; turn += 1) stream.emit(action(turn));
    assert.deepEqual(appends, []);
    await stream.drain();
    assert.deepEqual(appends, [{ durability: "synced", whole: false, rotateBytes: 1_000 }]);
    assert.equal((await linesOf(store)).length, 100);
  });

  it.each(["MILESTONE", "DECISION", "ACTION", "STATE", "DETAIL"] as VerbosityLevel[])(
    "keeps at %s the kinds up to it, and SYSTEM",
    async (verbosity) => {
      await using store = memoryStore();
      const stream = await openEventStream(store, "r", { verbosity });
      const all: EventInput[] = [
        { event_type: "MILESTONE", turn_number: 0, details: { milestone_type: "turn_start" } },
        { event_type: "DECISION", turn_number: 0, agent_id: "a", details: { decision_type: "x" } },
        action(0),
        { event_type: "STATE", turn_number: 0, details: { variable_name: "x", old_value: 1, new_value: 2 } },
        { event_type: "DETAIL", turn_number: 0, details: { calculation_type: "x", intermediate_values: [] } },
        { event_type: "SYSTEM", turn_number: 0, details: { status: "ok" } },
      ];
      const ids = all.map((event) => stream.emit(event));
      await stream.close();
      const kept = ["MILESTONE", "DECISION", "ACTION", "STATE", "DETAIL"].indexOf(verbosity) + 2;
      assert.deepEqual(
        ids.map((id) => id !== undefined),
        [...Array(5).keys()].map((at) => at < kept - 1).concat(true),
      );
      assert.deepEqual(stream.stats, { emitted: kept, kept, dropped: 0, filtered: 6 - kept });
      assert.equal((await linesOf(store)).length, kept);
    },
  );

  it("refuses what is no event, at every level, and takes the next one", async () => {
    await using store = memoryStore();
    const stream = await openEventStream(store, "r", { verbosity: "MILESTONE" });
    const cyclic: Record<string, unknown> = { status: "ok" };
    cyclic["self"] = cyclic;
    const wrong = [
      { event_type: "LUNCH", turn_number: 1, details: {} },
      { event_type: "SYSTEM", turn_number: -1, details: { status: "ok" } },
      { event_type: "SYSTEM", turn_number: 1, details: cyclic },
      { event_type: "SYSTEM", turn_number: 1, details: { status: "ok", big: 1n } },
      { event_type: "SYSTEM", turn_number: 1, details: { status: "ok" }, timestamp: "yesterday" },
    ];
    for (const event of wrong) assert.throws(() => stream.emit(event as never), isCode("EVENT_INVALID"));
    assert.throws(
      () =>
        stream.emit({
          event_type: "SYSTEM",
          turn_number: 1,
          details: { status: "ok", big: "x".repeat(2 ** 20) },
        }),
      isCode("EVENT_TOO_LARGE"),
    );
    assert.ok(stream.emit({ event_type: "SYSTEM", turn_number: 1, details: { status: "ok" } }));
    await stream.close();
    assert.equal(stream.stats.emitted, 1);
    assert.throws(() => stream.emit(action(1)), isCode("EVENT_STREAM_CLOSED"));
  });

  it("leaves out causes that were not kept", async () => {
    await using store = memoryStore();
    const stream = await openEventStream(store, "r", { verbosity: "ACTION" });
    const detail = stream.emit({
      event_type: "DETAIL",
      turn_number: 1,
      details: { calculation_type: "x", intermediate_values: 1 },
    });
    const cause = stream.emit(action(1, { caused_by: [detail] }));
    stream.emit(action(1, { caused_by: [detail, cause] }));
    await stream.close();
    const lines = await linesOf(store);
    assert.deepEqual(
      lines.map(({ caused_by }) => caused_by),
      [undefined, [cause]],
    );
  });

  it("keeps the id and the time of an event that was built before", async () => {
    await using store = memoryStore();
    const stream = await openEventStream(store, "r");
    const build = eventFactory({ simulationId: "r", clock: () => 1_000_000n });
    const cause = build.decision({ turn_number: 1, agent_id: "a", decision_type: "buy", new_value: 3 });
    const effect = build.action({
      turn_number: 1,
      agent_id: "a",
      action_type: "buy",
      action_payload: {},
      caused_by: [cause.event_id],
    });
    assert.equal(stream.emit(effect), effect.event_id);
    stream.emit(cause);
    await stream.close();
    assert.deepEqual(await linesOf(store), [effect, cause]);
    assert.equal(cause.timestamp, "1970-01-01T00:00:01.000000Z");
  });
});

describe("a full queue", () => {
  it("drops and counts, never blocks, and says so when there is room", async () => {
    const gate = Promise.withResolvers<void>();
    const { store } = gatedStore(() => gate.promise);
    const stream = await openEventStream(store, "r", { queueSize: 10 });
    const ids = Array.from({ length: 25 }, (_, turn) => stream.emit(action(turn)));
    assert.equal(ids.filter((id) => id === undefined).length, 15);
    assert.deepEqual(stream.stats, { emitted: 25, kept: 10, dropped: 15, filtered: 0 });
    gate.resolve();
    await stream.close();
    const lines = await linesOf(store);
    assert.equal(lines.length, 11);
    assert.deepEqual(streamEventSchema.parse(lines[10]).details, {
      status: "dropped",
      error_type: "queue_full",
      dropped_events: 15,
    });
  });

  it("is bounded by its size too", async () => {
    const { store } = gatedStore(() => setTimeout(1));
    const stream = await openEventStream(store, "r", { queueBytes: 10_000 });
    const large = { action_type: "x", action_payload: "x".repeat(4_000) };
    for (let turn = 0; turn < 20; turn += 1) stream.emit(action(turn, { details: large }));
    assert.deepEqual(stream.stats, { emitted: 20, kept: 3, dropped: 17, filtered: 0 });
    await stream.close();
    assert.equal((await linesOf(store)).length, 4);
  });

  it("of a stream that waits loses nothing while its producers await ready()", async () => {
    let most = 0;
    const { store } = gatedStore(() => setTimeout(1));
    const stream = await openEventStream(store, "r", { queueSize: 50, onFull: "wait" });
    let waiting = 0;
    const produce = async (): Promise<void> => {
      for (let turn = 0; turn < 300; turn += 1) {
        await stream.ready();
        stream.emit(action(turn));
        waiting += 1;
        most = Math.max(most, waiting - (await linesOf(store)).length);
      }
    };
    await Promise.all([produce(), produce(), produce()]);
    await stream.close();
    assert.equal((await linesOf(store)).length, 900);
    assert.deepEqual(stream.stats, { emitted: 900, kept: 900, dropped: 0, filtered: 0 });
    // What waits, what is being written, and one event of each producer.
    assert.ok(most <= 50 + 50 + 3, `${most} waited`);
  });

  it("of a stream that waits takes a large turn, and then refuses", async () => {
    const { store } = gatedStore(() => setTimeout(1));
    const stream = await openEventStream(store, "r", { queueSize: 10, onFull: "wait" });
    for (let turn = 0; turn < 160; turn += 1) assert.ok(stream.emit(action(turn)));
    assert.throws(() => stream.emit(action(161)), isCode("EVENT_QUEUE_FULL"));
    await stream.ready();
    assert.ok(stream.emit(action(162)));
    await stream.close();
    assert.deepEqual(stream.stats, { emitted: 161, kept: 161, dropped: 0, filtered: 0 });
    assert.equal((await linesOf(store)).length, 161);
  });

  it("kept and dropped are emitted, and what the stream says it lacks is what was dropped", async () => {
    const command = fc.oneof(
      fc.record({ emit: fc.integer({ min: 1, max: 60 }) }),
      fc.record({ pause: fc.nat({ max: 3 }) }),
      fc.constantFrom({ drain: true }, { flush: true }),
    );
    const delays = fc.array(fc.nat({ max: 2 }), { minLength: 1, maxLength: 10 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(command, { maxLength: 12 }),
        delays,
        fc.integer({ min: 1, max: 30 }),
        async (commands, waits, queueSize) => {
          let appends = 0;
          const { store } = gatedStore(async () => {
            const wait = waits[appends++ % waits.length] ?? 0;
            if (wait > 0) await setTimeout(wait);
          });
          const stream = await openEventStream(store, "r", { queueSize });
          let given = 0;
          for (const step of commands) {
            if ("emit" in step)
              for (let left = step.emit; left > 0; left -= 1, given += 1) stream.emit(action(given));
            else if ("pause" in step) await setTimeout(step.pause);
            else await ("drain" in step ? stream.drain() : stream.flush());
            const { emitted, kept, dropped } = stream.stats;
            assert.equal(emitted, given);
            assert.equal(kept + dropped, emitted);
          }
          await stream.close();
          const lines = await linesOf(store);
          const notices = lines.filter(({ event_type }) => event_type === "SYSTEM").length;
          assert.equal(lines.length - notices, stream.stats.kept);
          assert.equal(toldDropped(lines), stream.stats.dropped);
          const turns = lines
            .filter(({ event_type }) => event_type === "ACTION")
            .map(({ turn_number }) => Number(turn_number));
          assert.deepEqual(
            turns,
            turns.toSorted((a, b) => a - b),
          );
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("a write that fails", () => {
  it("is told to whoever waits, never to the process, and later events are counted as dropped", async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown): unknown => unhandled.push(reason);
    process.on("unhandledRejection", note);
    try {
      const cause = new Error("no space");
      let appends = 0;
      const { store } = gatedStore(() => {
        if (++appends > 1) throw cause;
      });
      const stream = await openEventStream(store, "r", { queueSize: 5, onFull: "wait" });
      for (let turn = 0; turn < 5; turn += 1) stream.emit(action(turn));
      await stream.drain();
      for (let turn = 5; turn < 10; turn += 1) stream.emit(action(turn));
      await setTimeout(20);
      assert.equal(stream.emit(action(10)), undefined);
      assert.deepEqual(stream.stats, { emitted: 11, kept: 5, dropped: 6, filtered: 0 });
      for (const wait of [stream.ready(), stream.drain(), stream.flush(), stream.close()]) {
        await assert.rejects(
          wait,
          (error) => isCode("EVENT_WRITE_FAILED")(error) && (error as Error).cause === cause,
        );
      }
      assert.equal((await linesOf(store)).length, 5);
      assert.equal(appends, 2);
      await setTimeout(20);
      assert.deepEqual(unhandled, []);
    } finally {
      process.off("unhandledRejection", note);
    }
  });

  it("at any append or sync leaves kept and dropped equal to emitted, and kept equal to what is in the stream", async () => {
    const command = fc.oneof(
      fc.record({ emit: fc.integer({ min: 1, max: 40 }) }),
      fc.record({ pause: fc.nat({ max: 2 }) }),
      fc.constantFrom({ drain: true }, { flush: true }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(command, { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 1, max: 6 }),
        fc.constantFrom("append", "sync"),
        async (commands, queueSize, failing, what) => {
          let calls = 0;
          const gone = (kind: string): void => {
            if (kind === what && ++calls === failing) throw new Error("gone");
          };
          const { store } = gatedStore(async () => {
            await setTimeout(0);
            gone("append");
          });
          const sync = store.logs.sync.bind(store.logs);
          store.logs.sync = async (key) => {
            gone("sync");
            await sync(key);
          };
          const stream = await openEventStream(store, "r", { queueSize });
          let given = 0;
          for (const step of commands) {
            if ("emit" in step)
              for (let left = step.emit; left > 0; left -= 1, given += 1) stream.emit(action(given));
            else if ("pause" in step) await setTimeout(step.pause);
            else await ("drain" in step ? stream.drain() : stream.flush()).catch(() => undefined);
            const { emitted, kept, dropped } = stream.stats;
            assert.deepEqual([emitted, kept + dropped], [given, given]);
            assert.ok(kept >= 0 && dropped >= 0, `${kept} kept, ${dropped} dropped`);
          }
          await stream.close().catch(() => undefined);
          const lines = await linesOf(store);
          const there = lines.filter(({ event_type }) => event_type === "ACTION").length;
          assert.deepEqual([there, given - there], [stream.stats.kept, stream.stats.dropped]);
          assert.ok(toldDropped(lines) <= stream.stats.dropped);
        },
      ),
      { numRuns: 100 },
    );
  });

  it("wakes producers that wait for room", async () => {
    const { store } = gatedStore(async () => {
      await setTimeout(5);
      throw new Error("gone");
    });
    const stream = await openEventStream(store, "r", { queueSize: 2, onFull: "wait" });
    stream.emit(action(1));
    stream.emit(action(2));
    await assert.rejects(stream.ready(), isCode("EVENT_WRITE_FAILED"));
  });
});

describe("flush() and close()", () => {
  it("sync the log, once there is something in it", async () => {
    const seen = gatedStore(() => undefined);
    const stream = await openEventStream(seen.store, "r");
    await stream.flush();
    assert.equal(seen.synced, 0);
    stream.emit(action(1));
    await stream.flush();
    assert.equal(seen.synced, 1);
    await Promise.all([stream.close(), stream.close()]);
    await stream.drain();
    await stream.flush();
    assert.equal((await linesOf(seen.store)).length, 1);
  });
});

describe("openEventStream()", () => {
  it.each([
    { queueSize: 0 },
    { queueSize: 1.5 },
    { queueBytes: 0 },
    { rotateBytes: -1 },
    { onFull: "explode" },
    { durability: "maybe" },
    { verbosity: "SYSTEM" },
  ])("refuses %j", async (options) => {
    await assert.rejects(openEventStream(memoryStore(), "r", options as never), RangeError);
  });
});
