import assert from "node:assert/strict";
import { join } from "node:path";
import { temporaryFolders } from "@holdfast/test-kit";
import { it } from "vitest";
import { openLog, readLog } from "../src/index.ts";

const newFolder = temporaryFolders();
const MAX_LINE_BYTES = 64 * 1024 * 1024;

it("a line of 64 MB comes back as it was, beside short ones; a byte more is refused before anything is written", async () => {
  const path = join(newFolder(), "long.ndjson");
  const options = { maxLineBytes: MAX_LINE_BYTES };
  // Characters of three bytes, at any place of a block that is read.
  const pad = "€".repeat((MAX_LINE_BYTES - 20) / 3);
  const record = {
    text: pad.padEnd(pad.length + MAX_LINE_BYTES - Buffer.byteLength(JSON.stringify({ text: pad })), "x"),
  };
  assert.equal(Buffer.byteLength(JSON.stringify(record)), MAX_LINE_BYTES);
  {
    await using log = await openLog(path, options);
    await log.append({ n: 1 });
    await log.append(record);
    await assert.rejects(log.append({ text: `${record.text}y` }), { code: "LOG_LINE_TOO_LONG" });
    await log.append({ n: 2 });
  }
  await using log = await openLog(path, options);
  assert.equal(log.position, 3);
  const read = await Array.fromAsync(readLog(path, options), ({ record: found }) => found);
  assert.deepEqual([read[0], read[2]], [{ n: 1 }, { n: 2 }]);
  const found = read[1];
  assert.ok(typeof found === "object" && found !== null && "text" in found && found.text === record.text);
  await assert.rejects(Array.fromAsync(readLog(path, { maxLineBytes: MAX_LINE_BYTES - 1 })), {
    code: "LOG_LINE_TOO_LONG",
  });
});
