import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { IdIndex, possibleIds } from "./id-index.ts";
import { marksOf } from "./marks.ts";

describe("IdIndex", () => {
  it("knows every position of every id, and few others", () => {
    const index = new IdIndex();
    const count = 30_000;
    for (let position = 1; position <= count; position += 1) index.add(`m-${position % 20_000}`, position);
    let others = 0;
    for (let n = 0; n < 20_000; n += 1) {
      const found = new Set(index.candidates(`m-${n}`));
      const wanted = [n, n + 20_000].filter((position) => position >= 1 && position <= count);
      for (const position of wanted) assert.ok(found.has(position));
      others += found.size - wanted.length;
    }
    assert.ok(others < 20);
    assert.deepEqual([...index.candidates("unknown")], []);
  });
});

describe("possibleIds()", () => {
  it("misses no id of a line, whatever is around it", () => {
    const id = fc.string({ unit: "binary", minLength: 1 }).filter((text) => text.isWellFormed());
    fc.assert(
      fc.property(id, fc.jsonValue(), fc.boolean(), fc.nat(2), (text, other, isEvent, indent) => {
        const line = JSON.stringify(
          { other, [isEvent ? "event_id" : "message_id"]: text, last: other },
          undefined,
          indent,
        );
        assert.equal(marksOf(line).id, text);
        assert.ok(possibleIds(line).includes(text));
      }),
    );
  });
});
