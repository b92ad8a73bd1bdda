import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { splitLines } from "./split-lines.ts";

async function* endless(): AsyncGenerator<Uint8Array> {
  yield Buffer.from("ok\n");
  while (true) yield Buffer.alloc(10, "x");
}

describe("splitLines()", () => {
  it("splits at every newline and nowhere else, however the bytes come", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ max: 14, maxLength: 60 }),
        fc.array(fc.nat({ max: 60 })),
        async (bytes, cuts) => {
          const places = [
            0,
            ...cuts.map((cut) => Math.min(cut, bytes.length)).toSorted((a, b) => a - b),
            bytes.length,
          ];
          const pieces = places.slice(1).map((end, index) => bytes.subarray(places[index], end));
          const found = await Array.fromAsync(splitLines(pieces));
          assert.deepEqual(
            Buffer.concat(
              found.map((line) => Buffer.concat([line.bytes, Buffer.from(line.terminated ? "\n" : "")])),
            ),
            Buffer.from(bytes),
          );
          for (const [index, line] of found.entries()) {
            assert.equal(line.number, index + 1);
            assert.equal(line.bytes.includes(10), false);
            assert.equal(line.terminated, bytes[line.offset + line.bytes.length] === 10);
            assert.deepEqual(
              Buffer.from(line.bytes),
              Buffer.from(bytes.subarray(line.offset, line.offset + line.bytes.length)),
            );
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it("refuses a line over the limit as soon as that is known, without waiting for its end", async () => {
    const found: string[] = [];
    await assert.rejects(
      async () => {
        for await (const { bytes } of splitLines(endless(), { maxLineBytes: 95, name: "agent" }))
          found.push(String(bytes));
      },
      { code: "LOG_LINE_TOO_LONG", path: "agent" },
    );
    assert.deepEqual(found, ["ok"]);
  });
});
