import assert from "node:assert/strict";
import { it } from "vitest";
import { restartDelayMs } from "./restart-backoff.ts";

it("restartDelayMs() doubles from a second to a minute and takes a random part of it", () => {
  const bounds = [1, 2, 3, 4, 5, 6, 7, 8, 1_000, 5_000].map((restart) => restartDelayMs(restart, 1));
  assert.deepEqual(bounds, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000, 60_000]);
  assert.equal(restartDelayMs(3, 0.25), 1_000);
  assert.equal(restartDelayMs(1, 0), 0);
  assert.equal(restartDelayMs(3, 1, { initialMs: 10, multiplier: 3, maxMs: 80 }), 80);
});
