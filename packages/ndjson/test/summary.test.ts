import assert from "node:assert/strict";
import {
  appendFileSync,
  copyFileSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { nodeFileSystem } from "@holdfast/fsutil";
import { faultyFileSystem } from "@holdfast/fsutil/faults";
import { listLogFiles, openLog, placeFromSummary, readLog } from "@holdfast/ndjson";
import { temporaryFolder } from "@holdfast/test-kit";
import * as fc from "fast-check";
import { describe, it } from "vitest";

const SUMMARY_BYTES = 64;

/** A log with the last summary that it told, or an older one. */
class Summarized {
  readonly path: string;
  readonly told: string[] = [];
  #clock = 0n;

  constructor(path: string) {
    this.path = path;
  }

  /** Opens the log with a summary of any age, appends to it, and checks where it said the lines went. */
  async append(lengths: readonly number[], age: number, rotateBytes?: number): Promise<void> {
    const before = await this.lines();
    const summary = this.told.at(-1 - age);
    const log = await openLog(this.path, {
      ...(summary !== undefined && { summary }),
      ...(rotateBytes !== undefined && { rotateBytes }),
      summaryBytes: SUMMARY_BYTES,
      clock: () => (this.#clock += 1_000_000n),
      onSummary: (text) => this.told.push(text),
    });
    try {
      assert.equal(log.position, before.length);
      let position = before.length;
      for (const length of lengths) {
        const record = "x".repeat(length);
        assert.equal((await log.append(record)).position, ++position);
        before.push(record);
      }
    } finally {
      await log.close();
    }
    assert.deepEqual(await this.lines(), before);
  }

  async lines(): Promise<unknown[]> {
    return Array.fromAsync(readLog(this.path), ({ record }) => record);
  }

  /** Every place that any summary gives leads to the line that stands there. */
  async checkPlaces(): Promise<void> {
    const lines = await this.lines();
    for (const text of this.told) {
      for (let position = 1; position <= lines.length; position += 1 + (position >> 2)) {
        const at = placeFromSummary(this.path, text, position);
        if (at === undefined) continue;
        assert.ok(at.position <= position);
        const options = { from: position, to: position, at };
        assert.deepEqual(await Array.fromAsync(readLog(this.path, options), ({ record }) => record), [
          lines[position - 1],
        ]);
      }
    }
  }
}

/** What happens to a log between two writers. */
const HAPPENINGS = {
  nothing: () => undefined,
  torn: (path: string) => appendFileSync(path, '{"torn":'),
  "written by another program": (path: string) => appendFileSync(path, '"other"\n"lines"\n'),
  "cut back to its middle": (path: string) =>
    truncateSync(path, lineStartNear(path, statSync(path).size / 2)),
  emptied: (path: string) => truncateSync(path, 0),
  "written anew in place": (path: string) => {
    const text = readFileSync(path, "utf8");
    writeFileSync(path, text.split("\n").slice(1).join("\n"));
  },
  "replaced by a copy": (path: string) => {
    copyFileSync(path, `${path}.copy`);
    renameSync(`${path}.copy`, path);
  },
};

function lineStartNear(path: string, offset: number): number {
  return readFileSync(path).lastIndexOf(0x0a, offset) + 1;
}

describe("a summary of a log", () => {
  it("never changes a position or a record, whatever its age and whatever became of the files", async () => {
    const step = fc.record({
      lengths: fc.array(fc.nat(40), { maxLength: 12 }),
      age: fc.nat(3),
      rotateBytes: fc.option(fc.constant(200), { nil: undefined }),
      happening: fc.constantFrom(...Object.values(HAPPENINGS)),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
        using folder = temporaryFolder();
        const log = new Summarized(join(folder.path, "log.ndjson"));
        for (const { lengths, age, rotateBytes, happening } of steps) {
          await log.append(lengths, age, rotateBytes);
          await log.checkPlaces();
          happening(log.path);
        }
        await log.append([1], 0);
        await log.checkPlaces();
      }),
      { numRuns: Number(process.env["HOLDFAST_LONG"] ?? 0) > 0 ? 2_000 : 20 },
    );
  });

  it("one that was changed, or is not whole, is not used", async () => {
    using folder = temporaryFolder();
    const log = new Summarized(join(folder.path, "log.ndjson"));
    await log.append([30, 30, 30, 30], 0);
    const [text = ""] = log.told;
    for (const wrong of ["", "x", text.slice(0, -2), text.replace('"lines":', '"lines":1'), `${text} `])
      assert.equal(placeFromSummary(log.path, wrong, 1), undefined, wrong);
    assert.notEqual(placeFromSummary(log.path, text, 1), undefined);
  });

  it("lets openLog() read the end of a log only, torn or not, and not its rotated files", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "log.ndjson");
    let summary: string | undefined;
    const options = { summaryBytes: 64 * 1024, onSummary: (text: string) => (summary = text) };
    const line = JSON.stringify("x".repeat(298));
    for (const rotateBytes of [2_000_000, 100_000_000]) {
      await using log = await openLog(path, { ...options, rotateBytes });
      await log.appendTexts(
        Array.from({ length: 10_000 }, () => line),
        { whole: false },
      );
      await log.appendTexts(
        Array.from({ length: 100 }, () => line),
        { whole: false },
      );
    }
    assert.equal(listLogFiles(path).length, 2);
    for (const tail of ["", '"to']) {
      appendFileSync(path, tail);
      const disk = faultyFileSystem(nodeFileSystem);
      await using log = await openLog(path, { ...options, summary: summary ?? "", fileSystem: disk });
      assert.equal(log.position, 20_200);
      assert.equal(log.repair?.line, tail === "" ? undefined : 10_201);
      assert.ok(disk.bytesRead < 100_000, `${disk.bytesRead} bytes were read`);
    }
  });

  it("finding a position by it reads a small part of the file", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "log.ndjson");
    let summary = "";
    await using log = await openLog(path, { onSummary: (text) => (summary = text) });
    const line = JSON.stringify("x".repeat(998));
    for (let batch = 0; batch < 20; batch++) {
      await log.appendTexts(
        Array.from({ length: 1_000 }, () => line),
        { whole: false },
      );
    }
    for (const position of [1, 10_000, 16_000]) {
      const at = placeFromSummary(path, summary, position);
      const [found] = await Array.fromAsync(
        readLog(path, { from: position, to: position, ...(at !== undefined && { at }) }),
      );
      assert.ok(found !== undefined && at !== undefined && found.offset - at.offset <= 65_536 + 1_001);
    }
  });
});
