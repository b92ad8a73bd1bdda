import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileStore, memoryStore, type Store } from "@holdfast/storage";
import { temporaryFolder } from "@holdfast/test-kit";
import { describe, it } from "vitest";
import { EventError, eventLog, openEventStream, type StoredEvent } from "../src/index.ts";
import { action } from "./events.ts";

/** Takes so many events of a follower. */
async function take(events: AsyncIterable<StoredEvent>, count: number): Promise<StoredEvent[]> {
  const taken: StoredEvent[] = [];
  for await (const event of events) if (taken.push(event) === count) break;
  return taken;
}

async function emit(store: Store, from: number, to: number, rotateBytes = 2_000): Promise<string[]> {
  const stream = await openEventStream(store, "r", { rotateBytes, onFull: "wait" });
  const ids: string[] = [];
  for (let turn = from; turn <= to; turn += 1) {
    await stream.ready();
    ids.push(stream.emit(action(turn, { agent_id: `agent-${turn % 3}` })) ?? "");
    if (turn % 10 === 0) await stream.drain();
  }
  await stream.close();
  return ids;
}

describe("follow()", () => {
  it("gives what comes from now on, across rotations, while somebody writes", async () => {
    using folder = temporaryFolder();
    await using store = fileStore(folder.path);
    await emit(store, 1, 50);
    const stop = new AbortController();
    const following = eventLog(store, "r").follow({ agent_ids: ["agent-1"] }, { signal: stop.signal });
    const writing = emit(store, 51, 300);
    const found = await take(following, 83);
    await writing;
    assert.deepEqual(
      found.map(({ turn_number }) => turn_number),
      Array.from({ length: 83 }, (_, at) => 52 + 3 * at),
    );
    assert.ok(readdirSync(join(folder.path, "runs", "r")).length > 3);
    stop.abort();
  });

  it("goes on after any event without a gap or a repeat, whether the filter asks for that one or not", async () => {
    using folder = temporaryFolder();
    await using store = fileStore(folder.path);
    const ids = await emit(store, 1, 60);
    const log = eventLog(store, "r");
    for (const [index, after] of ids.slice(0, -3).entries()) {
      const rest = ids.slice(index + 1).filter((_, at) => (index + 2 + at) % 3 === 0);
      const found = await take(log.follow({ agent_ids: ["agent-0"] }, { after }), rest.length);
      assert.deepEqual(
        found.map(({ event_id }) => event_id),
        rest,
      );
    }
    await assert.rejects(
      take(log.follow({}, { after: "nobody" }), 1),
      (error) => error instanceof EventError && error.code === "EVENT_NOT_FOUND",
    );
  });

  it("misses nothing between the call and the first event that is asked for", async () => {
    await using store = memoryStore();
    await emit(store, 1, 3);
    const following = eventLog(store, "r").follow();
    await setTimeout(5);
    await emit(store, 4, 6);
    assert.deepEqual(
      (await take(following, 3)).map(({ turn_number }) => turn_number),
      [4, 5, 6],
    );
  });

  it("waits for a stream that does not exist yet, and ends when it is told to", async () => {
    using folder = temporaryFolder();
    await using store = fileStore(folder.path);
    const stop = new AbortController();
    const all = Array.fromAsync(eventLog(store, "r").follow({}, { signal: stop.signal }));
    await setTimeout(20);
    await emit(store, 1, 5);
    await setTimeout(200);
    stop.abort();
    assert.equal((await all).length, 5);
  });
});
