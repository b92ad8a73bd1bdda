import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "@holdfast/test-kit";
import { describe, it } from "vitest";
import type { TornTail } from "./placed-blocks.ts";
import { type LogBlock, readLogBlocks } from "./read-log-blocks.ts";

interface FoundLine {
  readonly position: number;
  readonly path: string;
  readonly offset: number;
  readonly text: string;
}

function linesOf({ place, bytes, lines }: LogBlock): FoundLine[] {
  const found: FoundLine[] = [];
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(10, start);
    const text = bytes.toString("latin1", start, end);
    found.push({
      position: place.position + found.length,
      path: place.path,
      offset: place.offset + start,
      text,
    });
    start = end + 1;
  }
  assert.equal(found.length, lines);
  return found;
}

describe("readLogBlocks()", () => {
  it("gives whole lines of any bytes, through rotated files, also of one that ends in the middle of a line", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "events.jsonl");
    const rotated = join(folder.path, "events_2026-01-01_00-00-00.jsonl");
    writeFileSync(rotated, "one\n\n\0\xff\nto", "latin1");
    writeFileSync(path, "four\nfive\nsi", "latin1");
    const torn: TornTail[] = [];
    const found: FoundLine[] = [];
    for await (const block of readLogBlocks(path, { onTornTail: (tail) => torn.push(tail) })) {
      found.push(...linesOf(block));
    }
    assert.deepEqual(found, [
      { position: 1, path: rotated, offset: 0, text: "one" },
      { position: 2, path: rotated, offset: 4, text: "" },
      { position: 3, path: rotated, offset: 5, text: "\0\xff" },
      { position: 4, path, offset: 0, text: "four" },
      { position: 5, path, offset: 5, text: "five" },
    ]);
    assert.deepEqual(
      torn.map((tail) => [tail.path, tail.offset, tail.length]),
      [
        [rotated, 8, 2],
        [path, 10, 2],
      ],
    );
    const late: FoundLine[] = [];
    for await (const block of readLogBlocks(path, { from: 5 })) late.push(...linesOf(block));
    assert.deepEqual(late, found.slice(4));
    assert.deepEqual(await Array.fromAsync(readLogBlocks(join(folder.path, "none.jsonl"))), []);
    await assert.rejects(Array.fromAsync(readLogBlocks(path, { maxLineBytes: 3 })), {
      code: "LOG_LINE_TOO_LONG",
    });
  });
});
