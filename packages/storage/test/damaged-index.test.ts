import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { nodeFileSystem } from "@holdfast/fsutil";
import { temporaryFolders } from "@holdfast/test-kit";
import { describe, it } from "vitest";
import { faultOf } from "../src/log-index/index-database.ts";
import { LogIndex } from "../src/log-index/log-index.ts";
import { PieceCache } from "../src/log-index/piece-cache.ts";

const newFolder = temporaryFolders();

function line(number: number): string {
  const at = `2026-01-02T03:04:05.${String(number).padStart(6, "0")}Z`;
  return `${JSON.stringify({ event_id: `e${number}`, timestamp: at, turn_number: number, event_type: `T${number % 2}`, agent_id: `agent-${number % 3}` })}\n`;
}

/** A log of whole segments of eight lines, and a new look at it. */
function makeLog(): { readonly databasePath: string; readonly open: () => LogIndex } {
  const folder = newFolder();
  const path = join(folder, "runs", "events.jsonl");
  const databasePath = join(folder, "index", "events.db");
  mkdirSync(join(folder, "runs"));
  writeFileSync(path, Array.from({ length: 20 }, (_, number) => line(number)).join(""));
  const options = { path, databasePath, fileSystem: nodeFileSystem, segmentLines: 8 };
  return { databasePath, open: () => new LogIndex({ ...options, cache: new PieceCache(1_000_000) }) };
}

async function answers(index: LogIndex): Promise<unknown> {
  try {
    return [
      await index.find({ types: ["T1"], agents: ["agent-1"] }, { limit: 50 }, {}),
      await index.find({ ids: ["e3"] }, { limit: 5 }, {}),
      await index.count({ agents: ["agent-2"] }, {}),
      await index.count({ turnStart: 3, turnEnd: 12 }, {}),
      await index.head({}),
    ];
  } finally {
    await index.close();
  }
}

describe("an index whose rows were changed, in a database that is whole,", () => {
  it.each([
    "DELETE FROM posting WHERE agent = 2",
    "DELETE FROM chunk",
    "DELETE FROM piece WHERE no = 3",
    "DELETE FROM piece",
    "DELETE FROM piece WHERE no >= 8",
    "DELETE FROM word WHERE code = 3",
    "DELETE FROM file",
  ])("answers as before: rows are lost by %s", async (change) => {
    const { databasePath, open } = makeLog();
    const before = await answers(open());
    const database = new DatabaseSync(databasePath);
    database.exec(change);
    database.close();
    assert.deepEqual(await answers(open()), before);
  });

  it.each([
    ["a text that is no JSON", "UPDATE word SET data = data || 'x'"],
    [
      "texts that changed places",
      "UPDATE word SET data = CASE data WHEN '\"agent-1\"' THEN '\"agent-2\"' ELSE data END",
    ],
    ["a text under another code", "UPDATE word SET code = 100 WHERE code = 1"],
    ["what is said of a file", "UPDATE file SET data = replace(data, '\"end\":', '\"end\":1')"],
    ["no JSON of a file", "UPDATE file SET data = data || '}'"],
    ["a count", "UPDATE posting SET count = count + 1"],
    [
      "a part under the number of another",
      "UPDATE piece SET no = 100 WHERE no = 2; UPDATE piece SET no = 2 WHERE no = 10",
    ],
    [
      "an agent's list under another's code",
      "UPDATE posting SET agent = agent + 100; UPDATE posting SET agent = 4 - (agent - 100)",
    ],
    ["a header", "UPDATE piece SET data = zeroblob(length(data)) WHERE no = 0"],
  ])("answers as before: %s", async (_what, change) => {
    const { databasePath, open } = makeLog();
    const before = await answers(open());
    assert.equal(faultOf(databasePath), undefined);
    const database = new DatabaseSync(databasePath);
    database.exec(change);
    database.close();
    assert.notEqual(faultOf(databasePath), undefined, "check() sees it");
    assert.deepEqual(await answers(open()), before);
  });
});
