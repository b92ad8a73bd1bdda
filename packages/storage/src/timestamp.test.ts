import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { createClock, formatTimestamp, parseTimestamp, systemClock, timestampSchema } from "./timestamp.ts";

const FIRST = parseTimestamp("0000-01-01T00:00:00Z");
const LAST = parseTimestamp("9999-12-31T23:59:59.999999Z");

function two(value: number): string {
  return String(value).padStart(2, "0");
}

describe("formatTimestamp() and parseTimestamp()", () => {
  it("every moment of ten thousand years comes back, and its text sorts as it does", () => {
    const moment = fc.bigInt({ min: FIRST, max: LAST });
    fc.assert(
      fc.property(moment, moment, (a, b) => {
        const [textA, textB] = [formatTimestamp(a), formatTimestamp(b)];
        assert.match(textA, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
        assert.equal(parseTimestamp(textA), a);
        assert.equal(timestampSchema.safeParse(textA).success, true);
        assert.equal(textA < textB, a < b);
      }),
    );
  });

  it("parseTimestamp() takes any offset and any number of digits, and drops those after the sixth", () => {
    const moment = fc.bigInt({ min: FIRST + 100_000_000_000n, max: LAST - 100_000_000_000n });
    fc.assert(
      fc.property(
        moment,
        fc.integer({ min: -1_439, max: 1_439 }),
        fc.stringMatching(/^\d{0,9}$/),
        (at, offset, digits) => {
          const local = formatTimestamp(at + BigInt(offset) * 60_000_000n);
          const sign = offset < 0 ? "-" : "+";
          const zone = `${sign}${two(Math.trunc(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`;
          assert.equal(parseTimestamp(local.replace("Z", digits + zone)), at);
          assert.equal(parseTimestamp(local.replace("T", " ").replace("Z", zone)), at);
          assert.equal(parseTimestamp(local.replace("T", "t").replace("Z", zone)), at);
        },
      ),
    );
  });

  it("parseTimestamp() refuses what is no moment, as the schema does", () => {
    for (const text of [
      "",
      "2026",
      "2026-01-02",
      "2026-01-02T03:04:05",
      "2026-01-02T03:04:05.Z",
      "2026-02-30T00:00:00Z",
      "2025-02-29T00:00:00Z",
      "2026-13-01T00:00:00Z",
      "2026-00-01T00:00:00Z",
      "2026-01-00T00:00:00Z",
      "2026-01-01T24:00:00Z",
      "2026-01-01T23:60:00Z",
      "2026-01-01T23:59:60Z",
      "2026-01-01T00:00:00+24:00",
      "2026-01-01T00:00:00+0100",
      " 2026-01-01T00:00:00Z",
      "2026-01-01T00:00:00Z\n",
      "+002026-01-01T00:00:00Z",
    ]) {
      assert.throws(() => parseTimestamp(text), RangeError, text);
      assert.equal(timestampSchema.safeParse(text).success, false, text);
    }
  });

  it("formatTimestamp() refuses years that RFC 3339 has no place for", () => {
    assert.throws(() => formatTimestamp(FIRST - 1n), RangeError);
    assert.throws(() => formatTimestamp(LAST + 1n), RangeError);
    assert.equal(formatTimestamp(-1n), "1969-12-31T23:59:59.999999Z");
  });
});

describe("createClock()", () => {
  it("grows with every reading and stays within 2 ms of the system's clock, however the two clocks run", () => {
    const step = fc.record({
      ms: fc.integer({ min: 0, max: 20 }),
      ns: fc.bigInt({ min: 0n, max: 20_000_000n }),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 200 }), (steps) => {
        let ms = 1_700_000_000_000;
        let ns = 0n;
        let last = 0n;
        let aheadOfTime = 0n;
        const clock = createClock({ now: () => ms, monotonicNs: () => ns });
        for (const { ms: moreMs, ns: moreNs } of steps) {
          ms += moreMs;
          ns += moreNs;
          const reading = clock();
          assert.ok(reading > last, "it grows");
          const ahead = reading - BigInt(ms) * 1_000n;
          assert.ok(ahead >= 0n, "it is not behind");
          if (ahead > 2_000n) aheadOfTime = ahead;
          last = reading;
        }
        // Only where the clocks were set against each other, by no more than the readings since then.
        assert.ok(aheadOfTime <= 2_000n + BigInt(steps.length));
      }),
    );
  });

  it("goes back when the system's clock does, and grows from there", () => {
    let ms = 2_000_000;
    let ns = 0n;
    const clock = createClock({ now: () => ms, monotonicNs: () => (ns += 1_000n) });
    const before = clock();
    ms = 1_000_000;
    const after = clock();
    assert.ok(after < before);
    assert.ok(after - 1_000_000_000n <= 2_000n);
    assert.ok(clock() > after);
  });

  it("systemClock() never repeats itself and keeps to the time", () => {
    let last = systemClock();
    for (let reading = 0; reading < 50_000; reading += 1) {
      const next = systemClock();
      assert.ok(next > last);
      last = next;
    }
    const off = Number(systemClock() / 1_000n) - Date.now();
    assert.ok(Math.abs(off) < 1_000, `${off} ms off`);
  });
});
