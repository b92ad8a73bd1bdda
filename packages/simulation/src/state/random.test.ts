import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { Generator, randomOf, randomStateSchema } from "./random.ts";

describe("Generator", () => {
  it("gives the numbers of xoshiro128**", () => {
    const generator = new Generator({ algorithm: "xoshiro128**", words: [1, 2, 3, 4] });
    // The first outputs of the reference for this state are 11520, 0, 5927040 and 70819200.
    const numbers = [generator.next(), generator.next()];
    assert.deepEqual(numbers, [
      ((11_520 >>> 5) * 67_108_864 + 0) / 2 ** 53,
      ((5_927_040 >>> 5) * 67_108_864 + (70_819_200 >>> 6)) / 2 ** 53,
    ]);
  });

  it("goes on from a state as if it had never stopped, through JSON too", () => {
    fc.assert(
      fc.property(fc.nat(), fc.string(), fc.nat(50), fc.nat(50), (seed, label, before, after) => {
        const one = Generator.from(seed, label);
        for (let n = 0; n < before; n += 1) one.next();
        const two = new Generator(randomStateSchema.parse(JSON.parse(JSON.stringify(one.state()))));
        for (let n = 0; n < after; n += 1) assert.equal(one.next(), two.next());
      }),
    );
  });

  it("gives other numbers for other seeds and labels, spread over [0, 1)", () => {
    const firsts = new Set<number>();
    let sum = 0;
    for (let seed = 0; seed < 2_000; seed += 1) {
      const first = Generator.from(seed, `label ${seed % 2}`).next();
      assert.ok(first >= 0 && first < 1);
      firsts.add(first);
      sum += first;
    }
    assert.equal(firsts.size, 2_000);
    assert.ok(Math.abs(sum / 2_000 - 0.5) < 0.03, String(sum / 2_000));
  });
});

describe("randomOf()", () => {
  const random = randomOf(() => generator);
  const generator = Generator.from(1, "test");

  it("int() reaches both bounds and nothing beyond", () => {
    const seen = new Set(Array.from({ length: 200 }, () => random.int(-1, 2)));
    assert.deepEqual(
      [...seen].toSorted((a, b) => a - b),
      [-1, 0, 1, 2],
    );
    assert.equal(random.int(5, 5), 5);
    for (const [min, max] of [
      [2, 1],
      [0.5, 1],
      [0, Number.NaN],
    ] as const)
      assert.throws(() => random.int(min, max), RangeError);
  });

  it("pick() takes any item, and refuses an empty list", () => {
    const seen = new Set(Array.from({ length: 100 }, () => random.pick(["a", "b"])));
    assert.deepEqual(seen, new Set(["a", "b"]));
    assert.throws(() => random.pick([]), RangeError);
  });
});
