import assert from "node:assert/strict";
import * as fc from "fast-check";
import { decodeTime, isValid } from "ulid";
import { describe, it } from "vitest";
import { eventIds } from "./index.ts";

describe("eventIds()", () => {
  it("gives ULIDs that increase, whatever the clock does", () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 2 ** 31 - 1 }), { minLength: 1, maxLength: 200 }), (steps) => {
        const newId = eventIds();
        let last = "";
        let latest = 0;
        for (const step of steps) {
          const ms = 1_700_000_000_000 + (step % 3 === 0 ? 0 : step % 7) * 1_000; // often the same, often back
          latest = Math.max(latest, ms);
          const id = newId(ms);
          assert.ok(isValid(id) && id === id.toUpperCase(), id);
          assert.equal(decodeTime(id), latest);
          assert.ok(id > last, `${id} after ${last}`);
          last = id;
        }
      }),
    );
  });

  it("counts through every digit within a millisecond, and goes on with the next one when it is full", () => {
    // The counter starts at its highest: 2^29 - 1 of 2^30.
    const newId = eventIds((bytes) => new Uint8Array(bytes).fill(0xff));
    let last = newId(5);
    assert.match(last, /^0000000005Z{10}FZZZZZ$/);
    for (let count = 0; count < 100_000; count += 1) {
      const id = newId(5);
      assert.ok(id > last);
      last = id;
    }
    assert.equal(decodeTime(last), 5);
  });

  it("gives two processes different ids in one millisecond", () => {
    const [one, other] = [eventIds(), eventIds()];
    const ids = new Set(Array.from({ length: 1_000 }, (_, ms) => [one(ms), other(ms)]).flat());
    assert.equal(ids.size, 2_000);
  });

  it("refuses a time that an id cannot hold", () => {
    assert.throws(() => eventIds()(2 ** 48), RangeError);
    assert.equal(decodeTime(eventIds()(2 ** 48 - 1)), 2 ** 48 - 1);
  });
});
