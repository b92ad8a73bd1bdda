import assert from "node:assert/strict";
import { createReadStream, readdirSync } from "node:fs";
import { join } from "node:path";
import { env } from "node:process";
import { createInterface } from "node:readline";
import { startProgram, temporaryFolder } from "@holdfast/test-kit";
import { describe, it } from "vitest";

const EMITTER = join(import.meta.dirname, "emitter.ts");
const COUNT = env["HOLDFAST_LONG"] === undefined ? 200_000 : 10_000_000;
const TIMEOUT_MS = 1_800_000;

/** What the files hold, read by hand: lines in order of the files, and what is torn at the end. */
async function* linesByHand(root: string): AsyncGenerator<{ type: string; turn: number; dropped: number }> {
  const folder = join(root, "runs", "r");
  const rotated = readdirSync(folder).filter((name) => /^events_.*\.jsonl$/.test(name));
  for (const name of [...rotated.toSorted((a, b) => (a < b ? -1 : 1)), "events.jsonl"]) {
    const input = createReadStream(join(folder, name));
    for await (const line of createInterface({ input })) {
      const { event_type, turn_number, details } = JSON.parse(line) as {
        event_type: string;
        turn_number: number;
        details: { dropped_events?: number };
      };
      yield { type: event_type, turn: turn_number, dropped: details.dropped_events ?? 0 };
    }
  }
}

async function emitted(
  root: string,
  onFull: string,
): Promise<{ emitted: number; kept: number; dropped: number; grown: number }> {
  const program = startProgram(EMITTER, [root, onFull, String(COUNT), String(16 * 1024 * 1024)]);
  let last = "";
  for (let line = await program.line(); line !== undefined; line = await program.line()) last = line;
  const { code, stderr } = await program.ended;
  assert.deepEqual([code, stderr], [0, ""]);
  return JSON.parse(last) as Awaited<ReturnType<typeof emitted>>;
}

describe(`${COUNT} events as fast as possible`, { timeout: TIMEOUT_MS }, () => {
  it("of a stream that waits are all there, in order, in bounded memory", async () => {
    using folder = temporaryFolder();
    const { grown, ...stats } = await emitted(folder.path, "wait");
    assert.deepEqual(stats, { emitted: COUNT, kept: COUNT, dropped: 0, filtered: 0 });
    assert.ok(grown < 160 * 2 ** 20, `grew by ${Math.round(grown / 2 ** 20)} MiB`);
    let turns = 0;
    for await (const { turn } of linesByHand(folder.path)) assert.equal(turn, ++turns);
    assert.equal(turns, COUNT);
  });

  it("of a stream that drops are there or counted, and the stream says how many are not", async () => {
    using folder = temporaryFolder();
    const { emitted: all, kept, dropped, grown } = await emitted(folder.path, "drop");
    assert.equal(all, COUNT);
    assert.equal(kept + dropped, COUNT);
    assert.ok(dropped > 0 && kept > 0);
    assert.ok(grown < 160 * 2 ** 20, `grew by ${Math.round(grown / 2 ** 20)} MiB`);
    let [there, told, last] = [0, 0, 0];
    for await (const line of linesByHand(folder.path)) {
      if (line.type === "SYSTEM") told += line.dropped;
      else {
        assert.ok(line.turn > last);
        last = line.turn;
        there += 1;
      }
    }
    assert.deepEqual([there, told], [kept, dropped]);
  });
});
