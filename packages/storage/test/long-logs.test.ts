import assert from "node:assert/strict";
import { appendFileSync, cpSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { nodeFileSystem } from "@holdfast/fsutil";
import { type FaultyFileSystem, faultyFileSystem } from "@holdfast/fsutil/faults";
import { temporaryFolders } from "@holdfast/test-kit";
import { describe, it } from "vitest";
import { gather } from "../src/conformance/test-api.ts";
import { type FileStore, fileStore } from "../src/index.ts";

const newFolder = temporaryFolders();
const KEY = "runs/r/ledger";
const SUMMARY = join("index", "logs", `${KEY}.summary`);
const LINES = 20_000;
const SUMMARY_BYTES = 256 * 1024;
/** What finding a line may read: the lines after the summary, those between two places, and samples. */
const BOUND = SUMMARY_BYTES + 200_000;

const lineOf = (position: number): string => JSON.stringify({ position, text: "x".repeat(200) });

function open(root: string): { readonly store: FileStore; readonly disk: FaultyFileSystem } {
  const disk = faultyFileSystem(nodeFileSystem);
  return { store: fileStore(root, { fileSystem: disk, summaryBytes: SUMMARY_BYTES }), disk };
}

/** A log of five megabytes; when `killed`, its store as it was on the disk before it was closed. */
async function writeLongLog(killed: boolean): Promise<string> {
  const root = newFolder();
  const { store } = open(root);
  for (let position = 1; position <= LINES; position += 500) {
    const batch = Array.from({ length: 500 }, (_, index) => ({ text: lineOf(position + index) }));
    await store.logs.append(KEY, batch, { whole: false });
  }
  const copy = newFolder();
  // A copy has other inodes: its summary is not believed.
  if (killed) {
    cpSync(root, copy, { recursive: true, preserveTimestamps: true });
    rmSync(join(copy, "index", "locks"), { recursive: true });
  }
  await store.close();
  return killed ? copy : root;
}

async function takeUp(root: string): Promise<number> {
  const { store, disk } = open(root);
  try {
    assert.equal(await store.logs.head(KEY), LINES);
    for await (const { position, text } of store.logs.read(KEY, { from: LINES - 10 })) {
      assert.equal(text, lineOf(position));
    }
    const { position } = await store.logs.append(KEY, [{ text: lineOf(LINES + 1) }], { expected: LINES });
    assert.equal(position, LINES + 1);
    assert.deepEqual(
      (await gather(store.logs.read(KEY, { from: LINES }))).map(({ text }) => text),
      [lineOf(LINES), lineOf(LINES + 1)],
    );
    return disk.bytesRead;
  } finally {
    await store.close();
  }
}

describe("a long log", () => {
  it("is taken up by another process without reading it as a whole", async () => {
    const root = await writeLongLog(false);
    const read = await takeUp(root);
    assert.ok(read < 4 * BOUND, `${read} bytes were read`);
  });

  it("is taken up after its end was torn", async () => {
    const root = await writeLongLog(false);
    appendFileSync(join(root, `${KEY}.ndjson`), '{"torn');
    const read = await takeUp(root);
    assert.ok(read < 4 * BOUND, `${read} bytes were read`);
  });

  it("is read from its middle without what comes before", async () => {
    const { store, disk } = open(await writeLongLog(false));
    for await (const { position, text } of store.logs.read(KEY, { from: 10_000 })) {
      assert.equal(position, 10_000);
      assert.equal(text, lineOf(10_000));
      break;
    }
    assert.ok(disk.bytesRead < 3 * 600_000, `${disk.bytesRead} bytes were read`); // a reader's buffer has 576 KiB
    await store.close();
  });

  it("is the same where its summary is of another file, gone, damaged, or a folder", async () => {
    const root = await writeLongLog(true);
    await takeUp(root);
    for (const spoil of [
      () => rmSync(join(root, SUMMARY), { force: true }),
      () => writeFileSync(join(root, SUMMARY), "{}"),
      () => rmSync(join(root, SUMMARY)),
    ]) {
      spoil();
      const { store } = open(root);
      assert.equal(await store.logs.head(KEY), LINES + 1);
      await store.close();
    }
    cpSync(join(root, "runs"), join(root, SUMMARY), { recursive: true });
    const { store } = open(root);
    assert.equal((await store.logs.append(KEY, [{ text: "{}" }])).position, LINES + 2);
    await store.close();
  });

  it("takes its summary along when it goes: check() names it, repair() removes it", async () => {
    const root = await writeLongLog(false);
    assert.ok(readdirSync(join(root, "index", "logs", "runs", "r")).includes("ledger.summary"));
    rmSync(join(root, "runs"), { recursive: true });
    const { store } = open(root);
    assert.deepEqual(
      (await store.check()).map(({ kind, path }) => [kind, path]),
      [["leftover", SUMMARY]],
    );
    await store.repair();
    assert.deepEqual(await store.check(), []);
    await store.close();
  });
});
