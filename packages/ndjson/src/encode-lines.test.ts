import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import type { Waiting } from "./append-queue.ts";
import { LineEncoder } from "./encode-lines.ts";

function waitingFor(lines: string | readonly string[]): Waiting {
  return {
    lines,
    size: 0,
    options: undefined,
    resolve: () => undefined,
    reject: () => undefined,
    length: -1,
    lengths: undefined,
    outcome: undefined,
    refusal: undefined,
  };
}

const line = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.string({ unit: "binary", maxLength: 20 }),
  fc
    .tuple(fc.constantFrom("a", "\u00e9", "\u{1f600}"), fc.integer({ min: 0, max: 60_000 }))
    .map(([unit, count]) => unit.repeat(count)),
);

describe("LineEncoder", () => {
  it("encode() gives each line as UTF-8 with its newline, and its length, however many share a write", () => {
    const encoder = new LineEncoder();
    const groups = fc.array(fc.oneof(line, fc.array(line, { maxLength: 4 })), { maxLength: 6 });
    fc.assert(
      fc.property(groups, (group) => {
        const members = group.map(waitingFor);
        const bytes = encoder.encode(members);
        assert.deepEqual(
          bytes,
          Buffer.from(
            group
              .flat()
              .map((each) => `${each}\n`)
              .join(""),
          ),
        );
        for (const { lines, length, lengths } of members) {
          const expected = [lines].flat().map((each) => Buffer.byteLength(each));
          assert.equal(length, expected.at(-1) ?? 0);
          assert.deepEqual(lengths, typeof lines === "string" ? undefined : expected);
        }
      }),
    );
  });

  it("encode() does not keep the memory of a large group", () => {
    const encoder = new LineEncoder();
    assert.equal(encoder.encode([waitingFor("x".repeat(5_000_000))]).length, 5_000_001);
    assert.ok(encoder.encode([waitingFor("x")]).buffer.byteLength <= 1024 * 1024);
  });
});
