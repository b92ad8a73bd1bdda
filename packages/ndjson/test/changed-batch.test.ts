import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { nodeFileSystem } from "@holdfast/fsutil";
import { faultyFileSystem } from "@holdfast/fsutil/faults";
import { temporaryFolders } from "@holdfast/test-kit";
import { describe, it } from "vitest";
import { openLog } from "../src/index.ts";

const newFolder = temporaryFolders();

/** A log whose writer was killed right after a batch was acknowledged. */
async function killedAfterBatch(): Promise<string> {
  const path = join(newFolder(), "log.ndjson");
  let isDead = false;
  const counts = ({ operation }: { readonly operation: string }) => isDead && operation === "unlink";
  const log = await openLog(path, {
    fileSystem: faultyFileSystem(nodeFileSystem, { at: 1, lasting: true, counts }),
  });
  await log.append({ n: 1 });
  await log.appendMany([{ n: 2, text: "a".repeat(2_000) }, { n: 3 }, { n: 4 }]);
  isDead = true;
  await assert.rejects(log.close());
  return path;
}

describe("a batch that was acknowledged before its writer was killed", () => {
  it("is damaged, not cut off, when a byte of its last line is changed", async () => {
    const path = await killedAfterBatch();
    const text = readFileSync(path, "utf8").replace('"n":4', '"n"#4');
    writeFileSync(path, text);
    await assert.rejects(openLog(path), { code: "LOG_DAMAGED", line: 4 });
    assert.equal(readFileSync(path, "utf8"), text);
  });

  it("keeps a line that is changed and still a record: whoever sums them up finds it", async () => {
    const path = await killedAfterBatch();
    writeFileSync(path, readFileSync(path, "utf8").replace('"n":3', '"n":7'));
    const log = await openLog(path);
    assert.deepEqual([log.position, log.repair], [4, undefined]);
    await log.close();
  });

  it("is cut as a whole when a part of it was never written", async () => {
    const path = await killedAfterBatch();
    const bytes = readFileSync(path);
    bytes.fill(0, 512, 1_024);
    writeFileSync(path, bytes);
    const log = await openLog(path);
    assert.deepEqual([log.position, log.repair?.reason], [1, "batch"]);
    await log.close();
  });
});
