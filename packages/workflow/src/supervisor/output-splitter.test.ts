import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { createOutputSplitter, type OutputLine } from "./output-splitter.ts";

const shown = (line: OutputLine): string =>
  "bytes" in line ? line.bytes.toString() : `oversized ${line.oversizedBytes}`;

describe("createOutputSplitter()", () => {
  it("gives the same lines however the bytes are cut", () => {
    const line = fc
      .string({ unit: "grapheme", maxLength: 60 })
      .map((text) => text.replaceAll(/[\r\n]/g, "") || "e");
    fc.assert(
      fc.property(
        fc.array(line),
        fc.array(fc.nat(40), { maxLength: 50 }),
        fc.boolean(),
        (lines, cuts, terminated) => {
          const max = 64;
          const text = lines.join("\n") + (terminated && lines.length > 0 ? "\n" : "");
          let rest = Buffer.from(text);
          const splitter = createOutputSplitter(max);
          const found: string[] = [];
          for (const cut of cuts) {
            found.push(...splitter.push(rest.subarray(0, cut)).map(shown));
            rest = rest.subarray(cut);
          }
          found.push(...splitter.push(rest).map(shown));
          const last = splitter.end();
          if (last !== undefined) found.push(shown(last));
          const expected = lines.map((each, index) => {
            const newline = index < lines.length - 1 || terminated ? 1 : 0;
            const size = Buffer.byteLength(each);
            return size + 1 > max ? `oversized ${size + newline}` : each;
          });
          assert.deepEqual(found, expected);
        },
      ),
    );
  });

  it("takes a line of exactly the limit with its newline, not one byte more", () => {
    const splitter = createOutputSplitter(8);
    const lines = splitter.push(Buffer.from("1234567\n12345678\nab\r\n\n"));
    assert.deepEqual(lines.map(shown), ["1234567", "oversized 9", "ab", ""]);
    assert.equal(splitter.end(), undefined);
  });
});
