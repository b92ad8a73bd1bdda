import assert from "node:assert/strict";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { nodeFileSystem } from "@holdfast/fsutil";
import { faultyFileSystem } from "@holdfast/fsutil/faults";
import { temporaryFolders } from "@holdfast/test-kit";
import { describe, it } from "vitest";
import { gather } from "../src/conformance/test-api.ts";
import { fileStore } from "../src/index.ts";

const newFolder = temporaryFolders();

function filesBelow(root: string, below = ""): string[] {
  return readdirSync(join(root, below))
    .toSorted()
    .flatMap((name) => {
      const relative = join(below, name);
      return lstatSync(join(root, relative)).isDirectory() ? filesBelow(root, relative) : [relative];
    });
}

function object(checksum: string): string {
  return `objects/${checksum.slice(7, 9)}/${checksum.slice(9)}`;
}

describe("fileStore() on disk", () => {
  it("lays things out as formats.md says, private and readable", async () => {
    const root = join(newFolder(), "a", "store");
    await using store = fileStore(root, { clock: () => 1_767_323_045_123_456n });
    const run = "runs/run-20260102-030405-0123abcd";
    await store.documents.put(`${run}/run`, { b: 1, a: [true] });
    await store.documents.put(`${run}/receipts/T-1/step-1`, {});
    await store.documents.put("snapshots/snap-0123456789ab.manifest", {});
    await store.logs.append(`${run}/ledger`, [{ text: '{"seq":1}' }, { text: '{"seq":2}' }]);
    await store.logs.append(`${run}/events`, [{ text: "{}" }]);
    await store.logs.append(`${run}/logs/builder`, [{ text: "{}" }]);
    await store.logs.append(`${run}/transcript`, [{ text: "Once upon a time" }]);
    const long = Buffer.from("compress me ".repeat(1_000));
    const { checksum } = await store.objects.put(long);
    const { checksum: small } = await store.objects.put(Buffer.from("small"));
    await store.work.offer("runs", "run-20260102-030405-0123abcd", { goal: 1 });

    assert.deepEqual(
      filesBelow(root).filter((path) => !path.startsWith("index/") && !path.endsWith(".batch")),
      [
        `${object(checksum)}.zst`,
        object(small),
        `${run}/events.jsonl`,
        `${run}/ledger.ndjson`,
        `${run}/logs/builder.ndjson`,
        `${run}/receipts/T-1/step-1.json`,
        `${run}/run.json`,
        `${run}/transcript.txt`,
        "snapshots/snap-0123456789ab.manifest.json",
        "store.json",
        "work/runs/run-20260102-030405-0123abcd/item.json",
      ].toSorted(),
    );
    const read = (path: string): string => readFileSync(join(root, path), "utf8");
    assert.equal(
      read("store.json"),
      '{\n  "schema": "holdfast/store/v1",\n  "format_version": 1,\n  "created_at": "2026-01-02T03:04:05.123456Z"\n}\n',
    );
    assert.equal(read(`${run}/run.json`), '{\n  "b": 1,\n  "a": [\n    true\n  ]\n}\n');
    assert.equal(read(`${run}/ledger.ndjson`), '{"seq":1}\n{"seq":2}\n');
    assert.equal(read(`${run}/transcript.txt`), "Once upon a time\n");
    assert.ok(zstdDecompressSync(readFileSync(join(root, `${object(checksum)}.zst`))).equals(long));
    for (const path of filesBelow(root)) {
      assert.equal(lstatSync(join(root, path)).mode & 0o777, 0o600, path);
      for (let at = join(path, ".."); at !== "."; at = join(at, "..")) {
        assert.equal(lstatSync(join(root, at)).mode & 0o777, 0o700, at);
      }
    }
    assert.deepEqual(await store.logs.list(""), [
      `${run}/events`,
      `${run}/ledger`,
      `${run}/logs/builder`,
      `${run}/transcript`,
    ]);
    assert.equal(store.locate({ document: `${run}/run` }), `${run}/run.json`);
    assert.equal(store.locate({ log: `${run}/ledger`, position: 2 }), `${run}/ledger.ndjson:2`);
    assert.equal(store.locate({ log: `${run}/events` }), `${run}/events.jsonl`);
    assert.equal(store.locate({ object: checksum }), `${object(checksum)}.zst`);
    await store.close();
    assert.equal(existsSync(join(root, `${run}/ledger.ndjson.batch`)), false);
  });

  it("touches nothing before the first write, and reads a folder that is not there as an empty store", async () => {
    const root = join(newFolder(), "none");
    await using store = fileStore(root);
    assert.equal(await store.documents.get("runs/a/run"), undefined);
    assert.deepEqual(await store.documents.list(""), { items: [] });
    await store.documents.delete("runs/a/run");
    assert.equal(await store.logs.head("runs/a/ledger"), 0);
    assert.deepEqual(await gather(store.logs.read("runs/a/ledger")), []);
    assert.deepEqual(await store.logs.list(""), []);
    assert.deepEqual(await gather(store.objects.list()), []);
    await store.objects.delete(`sha256:${"0".repeat(64)}`);
    assert.deepEqual(await store.work.claim("runs", "me"), []);
    assert.equal(await store.work.holder("runs", "a"), undefined);
    assert.deepEqual(await store.check(), []);
    assert.deepEqual(await store.repair(), []);
    assert.equal(existsSync(root), false);
  });

  it("reads a store on a file system that is read-only, and says so when it is to be written", async () => {
    const root = join(newFolder(), "store");
    await using writer = fileStore(root);
    await writer.documents.put("runs/a/run", 1);
    await writer.logs.append("runs/a/ledger", [{ text: "{}" }]);
    const { checksum } = await writer.objects.put(Buffer.from("x"));
    await writer.close();
    writeFileSync(join(root, "runs/a/ledger.ndjson"), '{}\n{"torn":', { flag: "w" });
    const writes = new Set([
      "rename",
      "link",
      "unlink",
      "mkdir",
      "rmdir",
      "write",
      "sync",
      "syncDirectory",
      "truncate",
      "chmod",
    ]);
    const fileSystem = faultyFileSystem(nodeFileSystem, {
      at: 1,
      lasting: true,
      errno: "EROFS",
      counts: ({ operation }) => writes.has(operation),
    });
    const before = filesBelow(root);
    await using store = fileStore(root, { fileSystem });
    assert.equal((await store.documents.get("runs/a/run"))?.value, 1);
    assert.deepEqual(await gather(store.logs.read("runs/a/ledger")), [{ position: 1, text: "{}" }]);
    assert.equal(await store.logs.head("runs/a/ledger"), 1);
    assert.equal((await store.logs.find("runs/a/ledger", {}, { limit: 1 })).items.length, 1);
    assert.equal(String(Buffer.concat(await gather(store.objects.get(checksum)))), "x");
    assert.equal((await store.check()).length, 1);
    assert.equal(fileSystem.injected, 0, "reading does not write");
    const readOnly = { code: "STORE_READ_ONLY" };
    await assert.rejects(store.documents.put("runs/a/run", 2), readOnly);
    await assert.rejects(store.logs.append("runs/a/ledger", [{ text: "{}" }]), readOnly);
    await assert.rejects(store.objects.put(Buffer.from("y")), readOnly);
    await assert.rejects(store.work.offer("runs", "a", {}), readOnly);
    // The wrapper lets files be made; on a real read-only file system there are none to remove.
    assert.deepEqual(
      filesBelow(root).filter((path) => !path.includes(".tmp.")),
      before,
    );
  });

  it("refuses a folder that is no store, and one of a newer format, and leaves both as they are", async () => {
    const foreign = newFolder();
    writeFileSync(join(foreign, "package.json"), '{"name":"x"}');
    const newer = newFolder();
    writeFileSync(join(newer, "store.json"), '{"schema":"holdfast/store/v2","format_version":2}');
    const file = join(newFolder(), "file");
    writeFileSync(file, "");
    for (const [root, code] of [
      [foreign, "STORE_NOT_A_STORE"],
      [newer, "STORE_NEWER_FORMAT"],
      [file, "STORE_NOT_A_STORE"],
    ] as const) {
      await using store = fileStore(root);
      await assert.rejects(store.documents.get("package"), { code });
      await assert.rejects(store.documents.put("runs/a/run", 1), { code });
      await assert.rejects(store.logs.append("runs/a/ledger", [{ text: "{}" }]), { code });
      await assert.rejects(gather(store.logs.read("runs/a/ledger")), { code });
      await assert.rejects(store.objects.put(Buffer.from("x")), { code });
      await assert.rejects(store.work.offer("runs", "a", {}), { code });
      await assert.rejects(store.check(), { code });
      await assert.rejects(store.repair(), { code });
    }
    assert.deepEqual(filesBelow(foreign), ["package.json"]);
    assert.deepEqual(filesBelow(newer), ["store.json"]);
  });

  it("takes an empty folder, and one with what file systems leave in it", async () => {
    const root = newFolder();
    mkdirSync(join(root, "lost+found"));
    writeFileSync(join(root, ".gitignore"), "*\n");
    await using store = fileStore(root);
    assert.equal(await store.documents.get("runs/a/run"), undefined);
    await store.documents.put("runs/a/run", 1);
    assert.ok(existsSync(join(root, "store.json")));
  });

  it("never follows a symlink out of the folder, for a read or a write", async () => {
    const base = newFolder();
    const outside = join(base, "outside");
    const root = join(base, "store");
    await using store = fileStore(root);
    await store.documents.put("runs/a/run", 1);
    mkdirSync(outside);
    writeFileSync(join(outside, "run.json"), '"secret"');
    writeFileSync(join(outside, "ledger.ndjson"), '"secret"\n');
    symlinkSync(outside, join(root, "runs", "evil"));
    symlinkSync(join(outside, "run.json"), join(root, "runs", "a", "link.json"));
    symlinkSync(join(outside, "new.json"), join(root, "runs", "a", "dangling.json"));
    for (const key of ["runs/evil/run", "runs/a/link", "runs/a/dangling"]) {
      await assert.rejects(store.documents.get(key), { code: "STORE_DAMAGED" }, key);
      await assert.rejects(store.documents.put(key, 2), { code: "STORE_DAMAGED" }, key);
      await assert.rejects(store.documents.delete(key), { code: "STORE_DAMAGED" }, key);
    }
    await assert.rejects(gather(store.logs.read("runs/evil/ledger")), { code: "STORE_DAMAGED" });
    await assert.rejects(store.logs.append("runs/evil/ledger", [{ text: "{}" }]), { code: "STORE_DAMAGED" });
    assert.deepEqual((await store.documents.list("")).items, [{ key: "runs/a/run" }]);
    assert.deepEqual(await store.logs.list(""), []);
    assert.deepEqual(filesBelow(outside), ["ledger.ndjson", "run.json"]);
    assert.equal(readFileSync(join(outside, "run.json"), "utf8"), '"secret"');
  });

  it("reads what other programs wrote: a byte order mark, other spacing, offsets in timestamps", async () => {
    const root = newFolder();
    mkdirSync(join(root, "runs", "a"), { recursive: true });
    writeFileSync(join(root, "runs/a/run.json"), '\uFEFF{"a" :1}');
    writeFileSync(
      join(root, "runs/a/events.jsonl"),
      '{"event_id":"2","timestamp":"2026-01-01T01:00:00+00:00"}\n',
    );
    writeFileSync(join(root, "runs/a/events_2026-01-01_00-00-00.jsonl"), '{ "event_id" : "1" }\n');
    await using store = fileStore(root);
    assert.deepEqual((await store.documents.get("runs/a/run"))?.value, { a: 1 });
    assert.deepEqual(await store.logs.list("runs/"), ["runs/a/events"]);
    assert.equal(await store.logs.head("runs/a/events"), 2);
    assert.equal(
      store.locate({ log: "runs/a/events", position: 1 }),
      "runs/a/events_2026-01-01_00-00-00.jsonl:1",
    );
    assert.equal(store.locate({ log: "runs/a/events", position: 2 }), "runs/a/events.jsonl:1");
    const dedupe = '{"event_id":"1","again":true}';
    assert.deepEqual(await store.logs.append("runs/a/events", [{ text: dedupe, dedupe: "1" }]), {
      position: 1,
      duplicate: true,
    });
  });

  it("keeps positions and ids over rotated files", async () => {
    const root = newFolder();
    const texts = Array.from({ length: 40 }, (_, n) => `{"event_id":"e${n}","pad":"${"x".repeat(50)}"}`);
    for (let round = 0; round < 2; round += 1) {
      await using store = fileStore(root, { rotateBytes: 500 });
      for (const [n, text] of texts.entries()) {
        const answer = await store.logs.append("runs/a/events", [{ text, dedupe: `e${n}` }]);
        assert.deepEqual(answer, { position: n + 1, duplicate: round === 1 });
      }
    }
    assert.ok(readdirSync(join(root, "runs/a")).length > 5);
    await using store = fileStore(root);
    assert.deepEqual(
      (await gather(store.logs.read("runs/a/events"))).map(({ text }) => text),
      texts,
    );
    assert.deepEqual(
      (await gather(store.logs.read("runs/a/events", { from: 30 }))).map(({ text }) => text),
      texts.slice(29),
    );
    const places = texts.map((_, n) => store.locate({ log: "runs/a/events", position: n + 1 }));
    assert.equal(new Set(places).size, 40);
    for (const [n, place] of places.entries()) {
      const [path = "", line = ""] = place.split(":");
      assert.equal(readFileSync(join(root, path), "utf8").split("\n")[Number(line) - 1], texts[n]);
    }
  });
});
