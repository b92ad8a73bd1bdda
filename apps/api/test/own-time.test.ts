import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, it } from "vitest";
import { OwnTime } from "./support/own-time.ts";

describe("OwnTime", () => {
  it("counts sleep and work, and not a pause that the machine makes", async () => {
    using time = new OwnTime();
    await sleep(200);
    assert.ok(time.ms >= 20, `${time.ms}`);
    const before = { own: time.ms, cpu: process.cpuUsage() };
    const worked = (): number => {
      const { user, system } = process.cpuUsage(before.cpu);
      return (user + system) / 1_000;
    };
    while (worked() < 100);
    assert.ok(time.ms - before.own >= 50, `${time.ms - before.own}`);
    // As if somebody else had the processor: neither asleep nor at work.
    const paused = time.ms;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
    assert.ok(time.ms - paused < 200, `${time.ms - paused}`);
  });
});
