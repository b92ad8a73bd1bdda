import assert from "node:assert/strict";
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeFileSystem } from "@holdfast/fsutil";
import { listLogFiles } from "@holdfast/ndjson";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { LogIndex } from "../src/log-index/log-index.ts";
import { PieceCache } from "../src/log-index/piece-cache.ts";
import type { Filter } from "../src/store.ts";
import { anyFilter, anyLine, LogModel } from "./index-model.ts";

const SEGMENT_LINES = 8;
const RUNS = process.env["HOLDFAST_LONG"] === "1" ? 2_000 : 80;
const TIMEOUT_MS = Math.max(120_000, RUNS * 500);

/** A log and two processes that search it. */
class World {
  readonly folder = mkdtempSync(join(tmpdir(), "holdfast-index-"));
  readonly path = join(this.folder, "runs", "events.jsonl");
  readonly databasePath = join(this.folder, "index", "logs", "events.db");
  readonly indexes: readonly LogIndex[];
  #rotations = 0;
  #time = 1_800_000_000;

  constructor(segmentLines = SEGMENT_LINES) {
    mkdirSync(join(this.folder, "runs"));
    const cache = new PieceCache(2_000);
    this.indexes = [1, 2].map(
      () =>
        new LogIndex({
          path: this.path,
          databasePath: this.databasePath,
          fileSystem: nodeFileSystem,
          cache,
          segmentLines,
        }),
    );
  }

  append(bytes: Uint8Array): void {
    appendFileSync(this.path, bytes);
  }

  appendLines(lines: readonly Buffer[]): void {
    this.append(Buffer.concat(lines.flatMap((line) => [line, Buffer.from("\n")])));
  }

  rotate(): void {
    if (!existsSync(this.path)) return;
    this.#rotations += 1;
    const stamp = new Date(Date.UTC(2026, 0, 1, 0, 0, this.#rotations)).toISOString();
    const name = `events_${stamp.slice(0, 19).replace("T", "_").replaceAll(":", "-")}.jsonl`;
    renameSync(this.path, join(this.folder, "runs", name));
  }

  /** Changes a file at a moment that no earlier change has. */
  touch(path: string): void {
    this.#time += 1;
    utimesSync(path, this.#time, this.#time);
  }

  file(choice: number): string | undefined {
    const files = listLogFiles(this.path);
    return files[choice % Math.max(1, files.length)];
  }

  async check(filter: Filter, page: { limit: number; offset: number; newestFirst: boolean }): Promise<void> {
    const model = new LogModel(this.path);
    const oldest = model.find(filter);
    const expected = page.newestFirst ? oldest.toReversed() : oldest;
    for (const index of this.indexes) {
      const rest = { asOf: model.asOf, damaged: model.damaged };
      assert.deepEqual(await index.count(filter, {}), { count: expected.length, ...rest });
      const { items, cursor, asOf, damaged } = await index.find(filter, page, {});
      assert.deepEqual(items, expected.slice(page.offset, page.offset + page.limit));
      assert.deepEqual({ asOf, damaged }, rest);
      assert.equal(cursor !== undefined, expected.length > page.offset + page.limit);
      if (cursor === undefined) continue;
      const after = { ...page, offset: page.offset % 3, cursor };
      const from = page.offset + page.limit + after.offset;
      const next = await index.find(filter, after, {});
      assert.deepEqual(next.items, expected.slice(from, from + page.limit));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const index of this.indexes) await index.close();
    rmSync(this.folder, { recursive: true });
  }
}

const anyPage = fc.record({
  limit: fc.constantFrom(1, 2, 5, 100),
  offset: fc.constantFrom(0, 0, 1, 7, 30),
  newestFirst: fc.boolean(),
});
const questions = fc.array(fc.tuple(anyFilter, anyPage), { minLength: 1, maxLength: 4 });

type Change = (world: World) => void;
const growing: fc.Arbitrary<Change> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.array(anyLine, { maxLength: 40 }).map(
      (lines): Change =>
        (world) =>
          world.appendLines(lines),
    ),
  },
  anyLine.map(
    (line): Change =>
      (world) =>
        world.append(line.subarray(0, line.length / 2)),
  ),
  fc.constant<Change>((world) => world.append(Buffer.from("\n"))),
  fc.constant<Change>((world) => world.rotate()),
);

function onFile(choice: number, change: (path: string, size: number) => void): Change {
  return (world) => {
    const path = world.file(choice);
    if (path === undefined) return;
    change(path, statSync(path).size);
    if (existsSync(path)) world.touch(path);
  };
}

function onIndex(change: (path: string, size: number) => void): Change {
  return (world) => {
    if (!existsSync(world.databasePath)) return;
    change(world.databasePath, statSync(world.databasePath).size);
    if (existsSync(world.databasePath)) world.touch(world.databasePath);
  };
}

function overwrite(path: string, at: number, bytes: Uint8Array): void {
  const file = openSync(path, "r+");
  writeSync(file, bytes, 0, bytes.length, at);
  closeSync(file);
}

const damaging: fc.Arbitrary<Change> = fc
  .tuple(fc.nat(), fc.nat(), fc.array(anyLine, { minLength: 1, maxLength: 20 }))
  .chain(([choice, at, lines]) => {
    const text = Buffer.concat(lines.flatMap((line) => [line, Buffer.from("\n")]));
    return fc.constantFrom(
      onFile(choice, (path, size) => truncateSync(path, at % (size + 1))),
      onFile(choice, (path) => {
        writeFileSync(`${path}.new`, text);
        renameSync(`${path}.new`, path);
      }),
      onFile(choice, (path) => writeFileSync(path, text)),
      onFile(choice, (path, size) => overwrite(path, at % (size + 1), Buffer.from("\n"))),
      onFile(choice, (path) => rmSync(path)),
      onIndex((path) => rmSync(path)),
      onIndex((path) => rmSync(path)),
      onIndex((path, size) => truncateSync(path, at % size)),
      onIndex((path) => writeFileSync(path, "this is no database")),
      onIndex((path, size) => overwrite(path, at % size, Buffer.alloc(4_096, at))),
      onIndex((path) => {
        const content = readFileSync(path);
        rmSync(path);
        writeFileSync(path, content); // the same, under another inode
      }),
    );
  });

describe("the index of a log", { timeout: TIMEOUT_MS }, () => {
  it("answers as a scan does, for every filter and page, while the log grows and is rotated", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(growing, questions), { maxLength: 12 }), async (steps) => {
        await using world = new World();
        for (const [change, asked] of steps) {
          change(world);
          for (const [filter, page] of asked) await world.check(filter, page);
        }
      }),
      { numRuns: RUNS },
    );
  });

  it("answers as a scan does after files or the index were cut, replaced, edited or deleted under it", async () => {
    const step = fc.oneof({ weight: 2, arbitrary: growing }, damaging);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(step, questions), { maxLength: 14 }), async (steps) => {
        await using world = new World();
        for (const [change, asked] of steps) {
          change(world);
          for (const [filter, page] of asked) await world.check(filter, page);
        }
      }),
      { numRuns: RUNS },
    );
  });
});
