import assert from "node:assert/strict";
import { exploreCrashes } from "@holdfast/crash-kit";
import { describe, it } from "vitest";
import { openLog, readLog } from "../src/index.ts";

const PATH = "/log.ndjson";

describe("a log after a crash", () => {
  it("openLog() keeps the note of a batch until the batch is durable: a second crash leaves all of it or nothing", async () => {
    await exploreCrashes<number, number>({
      workload: async ({ fileSystem, begin, acknowledge }) => {
        await using log = await openLog(PATH, { fileSystem });
        for (const first of [1, 4]) {
          begin(first + 2);
          await log.appendMany([first, first + 1, first + 2]);
          acknowledge(first + 2);
        }
      },
      recover: async (fileSystem) => {
        await using log = await openLog(PATH, { fileSystem });
        return log.position;
      },
      check: ({ recovered, acknowledged }) => {
        assert.equal(recovered % 3, 0);
        assert.ok(recovered >= (acknowledged.at(-1) ?? 0));
      },
      budget: { nested: 1_000 },
    });
  });

  it("a rotation gives the old name to another file only when the rotated name is durable", async () => {
    await exploreCrashes<number, number[]>({
      workload: async ({ fileSystem, acknowledge }) => {
        await using log = await openLog(PATH, { fileSystem, rotateBytes: 4 });
        for (const number of [1, 2, 3, 4, 5]) {
          await log.append(number);
          acknowledge(number);
        }
      },
      recover: async (fileSystem) => {
        await using _ = await openLog(PATH, { fileSystem, rotateBytes: 4 });
        const records = await Array.fromAsync(readLog(PATH, { fileSystem }));
        return records.map(({ record }) => Number(record));
      },
      check: ({ recovered, acknowledged }) => {
        assert.deepEqual(recovered.slice(0, acknowledged.length), acknowledged);
      },
    });
  });
});
