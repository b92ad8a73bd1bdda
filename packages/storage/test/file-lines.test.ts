import assert from "node:assert/strict";
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { nodeFileSystem } from "@holdfast/fsutil";
import { temporaryFolder } from "@holdfast/test-kit";
import { describe, it } from "vitest";
import { fileLines } from "../src/log-index/file-lines.ts";
import { LogIndex } from "../src/log-index/log-index.ts";
import { PieceCache } from "../src/log-index/piece-cache.ts";
import type { SearchLimits } from "../src/log-index/question-queue.ts";
import { countLines, searchLines } from "../src/search.ts";
import type { Filter, FindOptions } from "../src/store.ts";

function line(number: number): string {
  const at = `2026-01-02T03:04:05.${String((number * 7) % 40).padStart(6, "0")}Z`;
  return `${JSON.stringify({ event_id: `e${number}`, timestamp: at, turn_number: number, event_type: `T${number % 2}`, agent_id: `é${number % 3}` })}\n`;
}

describe("fileLines()", () => {
  it("gives the lines that an index sees: the same is found and counted, also where lines are damaged", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "events.jsonl");
    const lines = Array.from({ length: 40 }, (_, number) => line(number));
    writeFileSync(join(folder.path, "events_2026-01-01_00-00-00.jsonl"), lines.slice(0, 11).join(""));
    appendFileSync(join(folder.path, "events_2026-01-01_00-00-00.jsonl"), '{"event_id":"torn"');
    writeFileSync(path, lines.slice(11, 25).join(""));
    appendFileSync(path, Buffer.from([0x7b, 0xff, 0x7d, 0x0a]));
    appendFileSync(path, `no JSON\n\uFEFF${lines.slice(25).join("")}{"event_id":"torn too"`);
    let torn = 0;
    const onTornFile = (): number => (torn += 1);
    const options = {
      path,
      databasePath: undefined,
      fileSystem: nodeFileSystem,
      segmentLines: 8,
      onTornFile,
    };
    let index = new LogIndex({ ...options, cache: new PieceCache(1_000_000) });
    const assertFound = async (
      filter: Filter,
      how: FindOptions,
      limits: SearchLimits,
    ): Promise<string | undefined> => {
      torn = 0;
      const { damaged, ...found } = await searchLines(fileLines(options, limits), filter, how);
      assert.deepEqual({ ...found, damaged: damaged + torn }, await index.find(filter, how, limits));
      return found.cursor;
    };
    for (const limits of [{}, { to: 30 }]) {
      await index.close(); // what is indexed already is not limited
      index = new LogIndex({ ...options, cache: new PieceCache(1_000_000) });
      for (const filter of [{}, { types: ["T1"] }, { agents: ["é2"], turnEnd: 30 }, { ids: ["e3", "e30"] }]) {
        torn = 0;
        const { damaged, ...counted } = await countLines(fileLines(options, limits), filter);
        assert.deepEqual({ ...counted, damaged: damaged + torn }, await index.count(filter, limits));
        for (const newestFirst of [false, true]) {
          const cursor = await assertFound(filter, { limit: 7, offset: 2, newestFirst }, limits);
          if (cursor !== undefined) await assertFound(filter, { limit: 50, newestFirst, cursor }, limits);
        }
      }
    }
    await index.close();
    await using none = fileLines({ ...options, path: join(folder.path, "none.jsonl") }, {});
    assert.deepEqual(await Array.fromAsync(none), []);
  });
});
