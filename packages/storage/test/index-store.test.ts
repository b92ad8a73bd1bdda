import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { env } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { listLogFiles } from "@holdfast/ndjson";
import { startProgram, temporaryFolders } from "@holdfast/test-kit";
import { describe, it } from "vitest";
import { type FileStore, fileStore, type LogLine } from "../src/index.ts";
import { LogModel } from "./index-model.ts";

const newFolder = temporaryFolders();
const PROCESS = join(import.meta.dirname, "index-process.ts");
const KILLS = env["HOLDFAST_LONG"] === undefined ? 2 : 40;
const KEY = "runs/r/events";
const DATABASE = `index/logs/${KEY}.db`;
// More than one segment, so that there is a database.
const COUNT = 70_000;
const TYPES = ["ACTION", "STATE", "DECISION"];

function lines(from: number, count: number): string {
  let text = "";
  for (let n = from; n < from + count; n += 1) {
    const id = `e${n}`;
    const event = {
      event_id: id,
      timestamp: new Date(1_767_225_600_000 + n - (n % 7) * 3).toISOString(),
      event_type: TYPES[n % 3],
      agent_id: `a${n % 40}`,
      turn_number: Math.floor(n / 100),
      ...(n % 5 === 0 && { caused_by: [`e${n - 3}`] }),
    };
    text += `${JSON.stringify(event)}\n`;
  }
  return text;
}

function filled(count = COUNT): string {
  const root = newFolder();
  mkdirSync(join(root, "runs/r"), { recursive: true });
  writeFileSync(join(root, "runs/r/events.jsonl"), lines(0, count));
  return root;
}

const FILTERS = [
  {},
  { types: ["STATE"], agents: ["a4", "a7"], turnStart: 100, turnEnd: 500 },
  { ids: ["e4711", "e69999"] },
  { causes: ["e40002"] },
  { from: 1_767_225_630_000_000n, types: ["ACTION"] },
];
/** What is right, by the content of the files: most tests have the same. */
const right = new Map<string, { readonly model: LogModel; readonly found: readonly LogLine[][] }>();

function rightAnswers(path: string): { readonly model: LogModel; readonly found: readonly LogLine[][] } {
  const digest = createHash("sha256");
  for (const file of listLogFiles(path)) digest.update(file.slice(path.length)).update(readFileSync(file));
  const content = digest.digest("hex");
  let answers = right.get(content);
  if (answers === undefined) {
    const model = new LogModel(path);
    answers = { model, found: FILTERS.map((filter) => model.find(filter)) };
    right.set(content, answers);
  }
  return answers;
}

async function expectRight(store: FileStore): Promise<void> {
  const { model, found } = rightAnswers(join(store.root, "runs/r/events.jsonl"));
  for (const [index, filter] of FILTERS.entries()) {
    const expected = found[index] ?? [];
    const { count, asOf, damaged } = await store.logs.count(KEY, filter);
    assert.deepEqual([count, asOf, damaged], [expected.length, model.asOf, model.damaged]);
    const offset = Math.floor(expected.length / 2);
    const { items } = await store.logs.find(KEY, filter, { limit: 20, offset });
    assert.deepEqual(items, expected.slice(offset, offset + 20));
  }
}

describe("the index of a store of files", () => {
  it("is made by the first search of a long log, for its owner alone, and used by the next store", async () => {
    const root = filled();
    const database = join(root, DATABASE);
    await using store = fileStore(root);
    await expectRight(store);
    assert.equal(statSync(database).mode & 0o777, 0o600);
    assert.ok(statSync(database).size < COUNT * 100);
    const { ino, mtimeMs } = statSync(database);
    await using next = fileStore(root);
    await expectRight(next);
    assert.deepEqual([statSync(database).ino, statSync(database).mtimeMs], [ino, mtimeMs]);
    assert.deepEqual(await store.check(), []);
    assert.deepEqual(await store.logs.list(""), [KEY]);
  });

  it("is not made for a short log", async () => {
    const root = filled(2_000);
    await using store = fileStore(root);
    await expectRight(store);
    assert.equal(existsSync(join(root, "index")), false);
  });

  it("that was deleted, cut or overwritten is made anew by the same store", async () => {
    const root = filled();
    const database = join(root, DATABASE);
    await using store = fileStore(root);
    await expectRight(store);
    const harms = [
      () => rmSync(join(root, "index"), { recursive: true }),
      () => truncateSync(database, 0),
      () => truncateSync(database, 100_000),
      () => writeFileSync(database, "no database"),
    ];
    for (const harm of harms) {
      harm();
      await expectRight(store);
      await using other = fileStore(root);
      await expectRight(other);
      assert.deepEqual(await store.check(), []);
    }
  });

  it("check() names one that is damaged or left over, and repair() removes it", async () => {
    const root = filled();
    {
      await using store = fileStore(root);
      await expectRight(store);
    }
    const { size } = statSync(join(root, DATABASE));
    truncateSync(join(root, DATABASE), size - 100_000);
    mkdirSync(join(root, "index/logs/runs/gone"), { recursive: true });
    writeFileSync(join(root, "index/logs/runs/gone/events.db"), "");
    await using store = fileStore(root);
    const found = (await store.check()).map(({ kind, severity, path }) => [kind, severity, path]);
    assert.deepEqual(found, [
      ["leftover", "warning", "index/logs/runs/gone/events.db"],
      ["damaged-index", "warning", DATABASE],
    ]);
    assert.deepEqual(await store.check({ prefix: "runs/x" }), []);
    assert.deepEqual(
      (await store.repair()).map(({ repaired }) => repaired),
      [true, true],
    );
    assert.equal(existsSync(join(root, DATABASE)), false);
    await expectRight(store);
    assert.deepEqual(await store.check(), []);
  });

  it("that cannot be written where it belongs is done without", async () => {
    const root = filled();
    mkdirSync(join(root, "index"));
    writeFileSync(join(root, "index/logs"), "in the way");
    await using store = fileStore(root);
    await expectRight(store);
    appendFileSync(join(root, "runs/r/events.jsonl"), lines(COUNT, 40_000));
    await expectRight(store);
    assert.deepEqual(readdirSync(join(root, "index")), ["logs"]);
  });

  it("is never written outside of the store", async () => {
    const root = filled();
    const outside = newFolder();
    mkdirSync(join(root, "index"));
    symlinkSync(outside, join(root, "index/logs"));
    await using store = fileStore(root);
    await expectRight(store);
    assert.deepEqual(readdirSync(outside), []);
  });

  it("of a store that cannot be written answers as well", async () => {
    const root = filled();
    {
      await using store = fileStore(root);
      await expectRight(store);
    }
    appendFileSync(join(root, "runs/r/events.jsonl"), lines(COUNT, 40_000));
    chmodSync(join(root, DATABASE), 0o400);
    chmodSync(join(root, "index/logs/runs/r"), 0o500);
    try {
      await using store = fileStore(root);
      await expectRight(store);
      assert.equal((await store.logs.count(KEY, {})).count, COUNT + 40_000);
    } finally {
      chmodSync(join(root, "index/logs/runs/r"), 0o700);
    }
  });

  it("is made by several stores at once", async () => {
    const root = filled();
    const stores = Array.from({ length: 3 }, () => fileStore(root));
    await Promise.all(stores.map((store) => expectRight(store)));
    for (const store of stores) await store.close();
    await using next = fileStore(root);
    assert.deepEqual(await next.check(), []);
  });

  it("stops being made when it is told to, and goes on later", async () => {
    const root = filled();
    await using store = fileStore(root);
    const controller = new AbortController();
    const counting = store.logs.count(KEY, {}, { signal: controller.signal });
    const other = store.logs.count(KEY, {});
    setTimeout(() => controller.abort(new Error("enough")), 20);
    await assert.rejects(counting, { message: "enough" });
    assert.equal((await other).count, COUNT);
    await expectRight(store);
  });

  it("keeps up with another process that appends and rotates: every answer is a prefix of the log", async () => {
    const root = newFolder();
    const child = startProgram(PROCESS, ["write", root, "30000"]);
    await using store = fileStore(root);
    let last = 0;
    let answers = 0;
    while (child.process.exitCode === null) {
      const { count, asOf, damaged } = await store.logs.count(KEY, {});
      assert.ok(count === asOf && asOf >= last && damaged === 0, `${count} ${asOf} ${last} ${damaged}`);
      last = asOf;
      const newest = await store.logs.find(KEY, { types: ["STATE"] }, { limit: 3, newestFirst: true });
      for (const { position, text } of newest.items) assert.ok(text.includes(`"e${position - 1}"`));
      answers += 1;
      await sleep(1);
    }
    assert.deepEqual(await child.ended, { code: 0, signal: null, stderr: "" });
    assert.ok(answers > 3);
    assert.equal((await store.logs.count(KEY, {})).count, 30_000);
    await expectRight(store);
    assert.deepEqual(await store.check(), []);
  });

  it("whose maker is killed at any moment is right for the next one", async () => {
    const root = filled(140_000);
    for (let round = 0; round < KILLS; round += 1) {
      rmSync(join(root, "index"), { recursive: true, force: true });
      const child = startProgram(PROCESS, ["search", root]);
      await sleep(200 + ((round * 197) % 800));
      child.process.kill("SIGKILL");
      await child.ended;
      await using store = fileStore(root);
      await expectRight(store);
      assert.deepEqual(await store.check(), []);
    }
  });
});
