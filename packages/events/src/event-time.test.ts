import assert from "node:assert/strict";
import { formatTimestamp, parseTimestamp, timestampSchema } from "@holdfast/storage";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { eventTime } from "./event-time.ts";

describe("eventTime()", () => {
  it("writes what formatTimestamp() writes, and never goes back", () => {
    const readings = fc.array(fc.bigInt({ min: 0n, max: 4_102_444_800_000_000n }), { minLength: 1 });
    fc.assert(
      fc.property(readings, (values) => {
        let index = 0;
        const time = eventTime(() => values[index++] ?? 0n);
        let latest = 0n;
        for (const value of values) {
          if (value > latest) latest = value;
          assert.deepEqual(time(), { text: formatTimestamp(latest), ms: Number(latest / 1_000n) });
        }
      }),
    );
  });

  it("follows the clock of the process to within two milliseconds", () => {
    const time = eventTime(undefined);
    let last = 0n;
    for (let count = 0; count < 50_000; count += 1) {
      const before = BigInt(Date.now()) * 1_000n;
      const { text } = time();
      const at = parseTimestamp(text);
      assert.ok(at >= before - 2_000n && at <= BigInt(Date.now() + 3) * 1_000n, text);
      assert.ok(at >= last);
      last = at;
    }
    assert.equal(timestampSchema.safeParse(time().text).success, true);
  });
});
