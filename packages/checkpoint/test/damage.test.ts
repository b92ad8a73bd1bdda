import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CheckpointManager, verifyCheckpoints } from "@holdfast/checkpoint";
import { crashDisk, faultyFileSystem } from "@holdfast/fsutil/faults";
import { fileStore, StoreError } from "@holdfast/storage";
import { temporaryFolders } from "@holdfast/test-kit";
import { afterAll, describe, it } from "vitest";
import { longState } from "./states.ts";

const newFolder = temporaryFolders();
const RUN = "run";
type Document = Record<string, unknown>;

/** A store with whole checkpoints of the turns 5 and 10, and the last of turn 12. */
async function prepare(long: boolean): Promise<{ readonly root: string; readonly folder: string }> {
  const name = long ? "long" : "short";
  prepared[name] ??= make(long);
  const root = newFolder();
  cpSync(await prepared[name], root, { recursive: true });
  return { root, folder: join(root, "runs", RUN, "checkpoints") };
}

const prepared: { [size in "long" | "short"]?: Promise<string> } = {};
const shared = mkdtempSync(join(tmpdir(), "holdfast-damage-"));
afterAll(() => rmSync(shared, { recursive: true }));

async function make(long: boolean): Promise<string> {
  const root = join(shared, String(long));
  await using store = fileStore(root);
  const manager = new CheckpointManager(store, RUN, 5);
  const state = (turn: number) => (long ? longState(turn) : longState(turn, 3));
  for (const turn of [5, 10]) await manager.save(state(turn), "interval", { random: [turn] });
  await manager.save(state(12), "last", { random: [12] });
  return root;
}

function edit(path: string, change: (document: Document) => Document): void {
  const document: Document = JSON.parse(readFileSync(path, "utf8"));
  writeFileSync(path, `${JSON.stringify(change(document), undefined, 2)}\n`);
}

function without(document: Document, name: string): Document {
  return Object.fromEntries(Object.entries(document).filter(([member]) => member !== name));
}

/** Takes away the seal of the head too, as somebody would who writes a checkpoint by hand. */
function forge(path: string, change: (document: Document) => Document): void {
  edit(path, (document) => change(without(document, "head_sha256")));
}

const DAMAGES: readonly (readonly [name: string, code: string, damage: (path: string) => void])[] = [
  ["missing", "CHECKPOINT_MISSING", (path) => rmSync(path)],
  ["empty", "CHECKPOINT_NOT_JSON", (path) => writeFileSync(path, "")],
  ["cut off", "CHECKPOINT_NOT_JSON", (path) => writeFileSync(path, readFileSync(path).subarray(0, -10))],
  [
    "zeros at its end",
    "CHECKPOINT_NOT_JSON",
    (path) => writeFileSync(path, Buffer.concat([readFileSync(path).subarray(0, -20), Buffer.alloc(20)])),
  ],
  [
    "not UTF-8",
    "CHECKPOINT_NOT_JSON",
    (path) => writeFileSync(path, readFileSync(path).fill(0xff, 300, 302)),
  ],
  [
    "half a zstd frame",
    "CHECKPOINT_NOT_JSON",
    (path) => writeFileSync(path, Buffer.from("28b52ffd0458", "hex")),
  ],
  ["a text", "CHECKPOINT_SCHEMA", (path) => writeFileSync(path, '"text"')],
  ["no state", "CHECKPOINT_SCHEMA", (path) => forge(path, (all) => without(all, "state"))],
  ["a state that is a list", "CHECKPOINT_SCHEMA", (path) => forge(path, (all) => ({ ...all, state: [] }))],
  [
    "a state without a turn",
    "CHECKPOINT_SCHEMA",
    (path) => forge(path, (all) => ({ ...all, state: { a: 1 } })),
  ],
  [
    "a type that is none",
    "CHECKPOINT_SCHEMA",
    (path) => forge(path, (all) => ({ ...all, checkpoint_type: "first" })),
  ],
  ["no checksum", "CHECKPOINT_SCHEMA", (path) => forge(path, (all) => without(all, "state_sha256"))],
  [
    "a number that is none",
    "CHECKPOINT_SCHEMA",
    (path) =>
      writeFileSync(
        path,
        readFileSync(path, "utf8").replace('"temperature"', '"infinite":1e999,"temperature"'),
      ),
  ],
  ["another turn than its state", "CHECKPOINT_TURN", (path) => forge(path, (all) => ({ ...all, turn: 11 }))],
  [
    "a state that was changed",
    "CHECKPOINT_CHECKSUM",
    (path) => writeFileSync(path, readFileSync(path, "utf8").replace('"temperature"', '"temporature"')),
  ],
  [
    "a generator that was changed",
    "CHECKPOINT_CHECKSUM",
    (path) => edit(path, (all) => ({ ...all, random: [13] })),
  ],
  [
    "a newer version",
    "CHECKPOINT_NEWER_VERSION",
    (path) => edit(path, (all) => ({ ...all, schema: "holdfast/checkpoint/v2" })),
  ],
  ["a folder", "CHECKPOINT_IO", (path) => (rmSync(path), mkdirSync(path))],
  ["a FIFO", "CHECKPOINT_IO", (path) => (rmSync(path), execFileSync("mkfifo", [path]))],
  ["a link that leads out", "CHECKPOINT_IO", (path) => (rmSync(path), symlinkSync("/etc/passwd", path))],
];

const withOtherEnd = (all: Document): Document => ({ ...all, final_state: longState(10, 2) });
const LONG = process.env["HOLDFAST_LONG"] === "1";
/** Tried at every byte, all of them or in turn. */
const BITS = [0x01, 0x10, 0x20];

describe("a checkpoint that is damaged", () => {
  for (const long of [false, true]) {
    for (const [name, code, damage] of DAMAGES) {
      it(`${name} (${long ? "long" : "short"}): load() and verifyCheckpoints() say ${code}, with its path`, async () => {
        const { root, folder } = await prepare(long);
        damage(join(folder, "turn_10.json"));
        await using store = fileStore(root);
        const manager = new CheckpointManager(store, RUN, 5);
        await assert.rejects(
          manager.load(RUN, 10),
          (error: Error & { readonly path?: string; readonly code?: string }) => {
            assert.equal(error.name, "CheckpointLoadError");
            assert.equal(error.code, code, error.message);
            assert.equal(error.path, "runs/run/checkpoints/turn_10.json");
            assert.match(
              error.message,
              /^Cannot load the checkpoint of turn 10 of run "run" from ".*turn_10.json": .*(?:; |see )/,
            );
            return true;
          },
        );
        const found = (await verifyCheckpoints(store, RUN)).map(({ kind, turn }) => `${kind} ${turn}`);
        const isGone = ["missing", "a folder", "a FIFO", "a link that leads out"].includes(name);
        assert.deepEqual(found, isGone ? [] : [`${code} 10`]);
        assert.equal((await manager.load(RUN, 5)).checkpoint.turn, 5);
      });

      it(`${name} (${long ? "long" : "short"}): as the last one it is replaced by the newest whole one, or said so`, async () => {
        const { root, folder } = await prepare(long);
        damage(join(folder, "last.json"));
        await using store = fileStore(root);
        const manager = new CheckpointManager(store, RUN, 5);
        if (code === "CHECKPOINT_IO" || code === "CHECKPOINT_NEWER_VERSION") {
          await assert.rejects(manager.load(RUN, "last"), { code });
          return;
        }
        const first = await manager.load(RUN, "last");
        assert.equal(first.checkpoint.turn, 10);
        assert.equal(first.path, "runs/run/checkpoints/turn_10.json");
        assert.equal(first.fallback?.code, code);
        assert.equal(first.fallback?.path, "runs/run/checkpoints/last.json");
        writeFileSync(join(folder, "turn_10.json"), "{}");
        assert.equal((await manager.load(RUN, "last")).checkpoint.turn, 5);
        rmSync(join(folder, "turn_5.json"));
        await assert.rejects(manager.load(RUN, "last"), { code });
      });
    }

    it(`a checkpoint under another's name is CHECKPOINT_TURN (${long ? "long" : "short"})`, async () => {
      const { root, folder } = await prepare(long);
      renameSync(join(folder, "turn_10.json"), join(folder, "turn_7.json"));
      await using store = fileStore(root);
      await assert.rejects(new CheckpointManager(store, RUN, 5).load(RUN, 7), { code: "CHECKPOINT_TURN" });
      assert.equal((await verifyCheckpoints(store, RUN))[0]?.kind, "CHECKPOINT_TURN");
    });
  }

  it("one that cannot be opened or read is CHECKPOINT_IO, with the cause, and no reason to take another", async () => {
    for (const errno of ["EACCES", "EIO"]) {
      for (const operation of ["open", "read"]) {
        const disk = crashDisk();
        await using whole = fileStore("/store", { fileSystem: disk });
        await new CheckpointManager(whole, RUN, 5).save({ turn: 5 }, "last");
        await new CheckpointManager(whole, RUN, 5).save({ turn: 5 }, "interval");
        const fileSystem = faultyFileSystem(disk, {
          at: 1,
          lasting: true,
          errno,
          counts: (call) => call.operation === operation && call.path.includes("/checkpoints/"),
        });
        await using store = fileStore("/store", { fileSystem });
        const manager = new CheckpointManager(store, RUN, 5);
        for (const which of ["last", 5] as const) {
          await assert.rejects(manager.load(RUN, which), (error: Error & { readonly code?: string }) => {
            assert.equal(error.code, "CHECKPOINT_IO");
            assert.match(error.message, /make it readable/);
            assert.ok(error.cause instanceof StoreError);
            return true;
          });
        }
      }
    }
  });

  it("any byte that is changed is found, or changes nothing that is loaded", async () => {
    const { root, folder } = await prepare(false);
    await using store = fileStore(root);
    const manager = new CheckpointManager(store, RUN, 5);
    const { checkpoint: whole } = await manager.load(RUN, 10);
    const path = join(folder, "turn_10.json");
    const bytes = readFileSync(path);
    let unseen = 0;
    for (let at = 0; at < bytes.length; at += 1) {
      for (const bit of LONG ? BITS : BITS.slice(at % BITS.length).slice(0, 1)) {
        const changed = Buffer.from(bytes);
        changed.writeUInt8(changed.readUInt8(at) ^ bit, at);
        writeFileSync(path, changed);
        const outcome = await manager.load(RUN, 10).then(
          ({ checkpoint }) => checkpoint,
          () => undefined,
        );
        if (outcome === undefined) continue;
        unseen += 1;
        for (const name of ["turn", "checkpoint_type", "timestamp", "state_sha256", "random", "state"])
          assert.deepEqual(Reflect.get(outcome, name), Reflect.get(whole, name), `byte ${at}: ${name}`);
      }
    }
    // The layout's spaces, and the name of the seal itself.
    assert.ok(unseen < bytes.length);
  });

  it("any byte that is changed of a long one is found", async () => {
    const { root, folder } = await prepare(true);
    await using store = fileStore(root);
    const manager = new CheckpointManager(store, RUN, 5);
    const path = join(folder, "turn_10.json");
    const bytes = readFileSync(path);
    const state = bytes.indexOf('"state":');
    for (let step = 1; step <= 40; step += 1) {
      const changed = Buffer.from(bytes);
      const at = state + 10 + Math.floor(((bytes.length - state - 20) * step) / 41);
      changed.writeUInt8(changed.readUInt8(at) ^ 0x01, at);
      writeFileSync(path, changed);
      await assert.rejects(manager.load(RUN, 10), /CHECKSUM|Cannot load/);
    }
  });

  it("what stands in the place of a turn is never overwritten: CHECKPOINT_CONFLICT", async () => {
    const { root, folder } = await prepare(false);
    writeFileSync(join(folder, "turn_10.json"), "{}");
    await using store = fileStore(root);
    const manager = new CheckpointManager(store, RUN, 5);
    await assert.rejects(manager.save(longState(10, 3), "interval"), { code: "CHECKPOINT_CONFLICT" });
    assert.equal(readFileSync(join(folder, "turn_10.json"), "utf8"), "{}");
  });

  it("a folder in the place of a checkpoint: save() is a CheckpointSaveError, nothing else is touched", async () => {
    const { root, folder } = await prepare(false);
    mkdirSync(join(folder, "turn_15.json", "inside"), { recursive: true });
    rmSync(join(folder, "last.json"));
    mkdirSync(join(folder, "last.json", "inside"), { recursive: true });
    await using store = fileStore(root);
    const manager = new CheckpointManager(store, RUN, 5);
    for (const type of ["interval", "last"] as const) {
      await assert.rejects(
        manager.save(longState(15, 3), type),
        (error: Error & { readonly path?: string }) => {
          assert.equal(error.name, "CheckpointSaveError");
          assert.match(error.path ?? "", type === "last" ? /last\.json$/ : /turn_15\.json$/);
          assert.ok(error.cause instanceof Error);
          return true;
        },
      );
    }
    for (const turn of [5, 10]) assert.equal((await manager.load(RUN, turn)).checkpoint.turn, turn);
  });

  it("verifyCheckpoints() compares the results with the last checkpoint, and last with the newest", async () => {
    const { root, folder } = await prepare(false);
    await using store = fileStore(root);
    const manager = new CheckpointManager(store, RUN, 5);
    await manager.saveResults({
      run_metadata: {
        run_id: RUN,
        simulation_name: "Test",
        num_agents: 3,
        start_time: "2026-01-02T03:04:05Z",
        checkpoint_interval: 5,
        config_snapshot: {},
      },
      checkpoints: [{ turn: 10, file: "checkpoints/turn_10.json" }],
      summary_stats: { total_turns: 10, termination_reason: "max_turns", elapsed_time_seconds: 1 },
      final_state: longState(10, 3),
    });
    assert.deepEqual(await verifyCheckpoints(store, RUN), []);
    edit(join(root, "runs", RUN, "result.json"), withOtherEnd);
    assert.deepEqual(
      (await verifyCheckpoints(store, RUN)).map(({ kind }) => kind),
      ["CHECKPOINT_CHECKSUM"],
    );
    edit(join(root, "runs", RUN, "result.json"), (all) =>
      without(without(withOtherEnd(all), "head_sha256"), "state_sha256"),
    );
    assert.deepEqual(
      (await verifyCheckpoints(store, RUN)).map(({ kind }) => kind),
      ["results-mismatch"],
    );
    writeFileSync(join(root, "runs", RUN, "result.json"), "{");
    writeFileSync(join(folder, "turn_5 (copy).json"), "{}");
    await manager.save(longState(7, 3), "last");
    assert.deepEqual((await verifyCheckpoints(store, RUN)).map(({ kind }) => kind).toSorted(), [
      "CHECKPOINT_NOT_JSON",
      "checkpoint-ahead",
      "checkpoint-stray",
    ]);
    assert.deepEqual(await verifyCheckpoints(store, "none"), []);
  });
});
