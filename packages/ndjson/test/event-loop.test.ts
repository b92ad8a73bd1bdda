import assert from "node:assert/strict";
import { join } from "node:path";
import { temporaryFolder } from "@holdfast/test-kit";
import { describe, it } from "vitest";
import { openLog } from "../src/index.ts";

const LONGEST_MS = 10_000;

describe("a log that is appended to without a pause", () => {
  for (const durability of ["each", "batch", "none"] as const) {
    it(`lets the event loop turn (${durability})`, async () => {
      using folder = temporaryFolder();
      await using log = await openLog(join(folder.path, "log"), { durability, syncIntervalMs: 60_000 });
      await log.append(0);
      const began = performance.now();
      const seen = { turns: 0 };
      const turn = (): void => {
        seen.turns += 1;
        timer = setTimeout(turn, 0);
      };
      let timer = setTimeout(turn, 0);
      while (seen.turns < 3 && performance.now() - began < LONGEST_MS) await log.append(1);
      clearTimeout(timer);
      assert.equal(seen.turns, 3);
    });
  }
});
