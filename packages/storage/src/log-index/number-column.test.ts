import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { NumberColumn } from "./number-column.ts";

describe("NumberColumn", () => {
  it("holds what was added since it was cleared, in order", () => {
    const step = fc.oneof(
      { weight: 20, arbitrary: fc.integer({ min: 0, max: 65_535 }) },
      { weight: 1, arbitrary: fc.constant("clear" as const) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400, size: "max" }), (steps) => {
        const column = new NumberColumn(Uint16Array);
        const model: number[] = [];
        for (const each of steps) {
          if (each === "clear") {
            column.clear();
            model.length = 0;
          } else {
            column.push(each);
            model.push(each);
          }
        }
        assert.deepEqual(Array.from(column.values()), model);
        assert.equal(column.length, model.length);
        assert.equal(column.at(model.length), undefined);
        for (const [index, value] of model.entries()) assert.equal(column.at(index), value);
      }),
    );
  });
});
