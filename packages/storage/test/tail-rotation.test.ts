import assert from "node:assert/strict";
import { temporaryFolders } from "@holdfast/test-kit";
import { describe, it } from "vitest";
import { fileStore } from "../src/index.ts";

const newFolder = temporaryFolders();
const KEY = "runs/r/events";
const LAST = 300;

describe("logs.tail() while the log is put aside again and again", () => {
  it("gives every line once, at its position", async () => {
    for (let round = 0; round < 8; round += 1) {
      await using store = fileStore(newFolder());
      const write = async (from: number, to: number): Promise<void> => {
        for (let first = from; first <= to; first += 10) {
          const items = Array.from({ length: 10 }, (_, index) => ({
            text: JSON.stringify({ n: first + index, pad: "x".repeat(180) }),
          }));
          await store.logs.append(KEY, items, { durability: "written", whole: false, rotateBytes: 2_000 });
        }
      };
      await write(1, 41);
      const writing = write(51, LAST - 9);
      const seen: number[] = [];
      for await (const { position, text } of store.logs.tail(KEY, { from: 51 })) {
        const { n }: { n: number } = JSON.parse(text);
        assert.equal(n, position);
        seen.push(position);
        if (position === LAST) break;
      }
      await writing;
      assert.deepEqual(
        seen,
        Array.from({ length: LAST - 50 }, (_, index) => 51 + index),
      );
    }
  });
});
