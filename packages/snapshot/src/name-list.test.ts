import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { NameList } from "./name-list.ts";

describe("NameList", () => {
  it("gives back what was pushed, also from its pieces", () => {
    const name = fc.string({ unit: "binary", maxLength: 6 }).map((text) => text.replaceAll("/", "|"));
    fc.assert(
      fc.property(
        fc.array(name, { minLength: 1, maxLength: 30 }),
        fc.constantFrom(1, 4095, 4096, 4097, 9000),
        (some, count) => {
          const names = Array.from({ length: count }, (_, index) => some[index % some.length] ?? "");
          const list = new NameList();
          for (const text of names) list.push(text);
          const kept = NameList.from(list.ends.slice(0, count), list.allPieces());
          for (const index of [0, 1, 2, 4094, 4095, 4096, 4097, 8191, 8192, count - 1]) {
            if (index >= count) continue;
            assert.equal(list.at(index), names[index]);
            assert.equal(kept?.at(index), names[index]);
          }
          assert.equal(list.length, count);
        },
      ),
      { numRuns: 30 },
    );
  });

  it("refuses pieces that do not belong to the ends", () => {
    const list = new NameList();
    for (const text of ["a", "bc"]) list.push(text);
    const ends = list.ends.slice(0, 2);
    assert.equal(NameList.from(ends, ["a/b"]), undefined);
    assert.equal(NameList.from(ends, []), undefined);
    assert.equal(NameList.from(ends, ["a/bc"])?.at(1), "bc");
  });
});
