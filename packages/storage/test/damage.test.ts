import assert from "node:assert/strict";
import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolders } from "@holdfast/test-kit";
import { describe, it } from "vitest";
import { item } from "../src/conformance/log-cases.ts";
import { gather } from "../src/conformance/test-api.ts";
import { type FileStore, fileStore } from "../src/index.ts";

const newFolder = temporaryFolders();

const CONTENTS = [
  Buffer.from("plain"),
  Buffer.from("compressed ".repeat(500)),
  Buffer.alloc(3_000_000, "long "),
];

async function sample(): Promise<{ root: string; checksums: string[] }> {
  const root = newFolder();
  await using store = fileStore(root);
  await store.documents.put("runs/a/run", { n: 1 });
  await store.logs.append("runs/a/ledger", [item("m1"), item("m2"), item("m3")]);
  const checksums: string[] = [];
  for (const content of CONTENTS) checksums.push((await store.objects.put(content)).checksum);
  await store.work.offer("runs", "a", {});
  return { root, checksums };
}

function flip(path: string, at: number, bit = 1): void {
  const bytes = readFileSync(path);
  bytes.writeUInt8(bytes.readUInt8(at) ^ bit, at);
  writeFileSync(path, bytes);
}

async function kinds(store: FileStore): Promise<string[]> {
  return (await store.check()).map(
    ({ kind, path, line }) => `${kind} ${path}${line === undefined ? "" : `:${line}`}`,
  );
}

describe("a damaged store of files", () => {
  it("check() finds nothing in a whole one", async () => {
    const { root } = await sample();
    await using store = fileStore(root);
    assert.deepEqual(await store.check(), []);
    await using open = fileStore(root);
    await open.logs.append("runs/a/ledger", [item("m4")]);
    assert.deepEqual(await store.check(), []);
  });

  it("a document that is no JSON is an error with its line; salvage moves it away", async () => {
    const { root } = await sample();
    writeFileSync(join(root, "runs/a/run.json"), '{\n  "n": 1,\n}\n');
    await using store = fileStore(root);
    await assert.rejects(store.documents.get("runs/a/run"), {
      code: "STORE_DAMAGED",
      line: 3,
      path: join(root, "runs/a/run.json"),
    });
    assert.deepEqual(await kinds(store), ["damaged-document runs/a/run.json:3"]);
    const [unmended] = await store.repair();
    assert.equal(unmended?.repaired, false);
    const [mended] = await store.repair({ salvage: true });
    assert.equal(mended?.repaired, true);
    assert.equal(await store.documents.get("runs/a/run"), undefined);
    assert.equal(readFileSync(join(root, "runs/a/run.json.corrupt"), "utf8"), '{\n  "n": 1,\n}\n');
    assert.deepEqual(await store.check(), []);
  });

  it("a flipped bit anywhere in an object is found when it is read, and by check()", async () => {
    const { root, checksums } = await sample();
    for (const checksum of checksums) {
      await using store = fileStore(root);
      const relative = store.locate({ object: checksum });
      const path = join(root, relative);
      const { length } = readFileSync(path);
      for (const at of new Set([0, 4, Math.trunc(length / 2), length - 1])) {
        flip(path, at);
        await assert.rejects(
          gather(store.objects.get(checksum)),
          { code: "STORE_DAMAGED", path },
          `${relative} at ${at}`,
        );
        assert.deepEqual(await kinds(store), [`damaged-object ${relative}`]);
        flip(path, at);
      }
      const whole = readFileSync(path);
      writeFileSync(path, whole.subarray(0, -1));
      await assert.rejects(gather(store.objects.get(checksum)), { code: "STORE_DAMAGED" });
      const [mended] = await store.repair({ salvage: true });
      assert.equal(mended?.repaired, true);
      assert.equal(await store.objects.has(checksum), false);
      assert.equal(readFileSync(`${path}.corrupt`).length, whole.length - 1);
    }
  });

  it("a compressed object that was cut off ends the listing with STORE_DAMAGED, where its size cannot be told without it", async () => {
    const { root, checksums } = await sample();
    await using store = fileStore(root);
    const relative = store.locate({ object: checksums[1] ?? "" });
    assert.match(relative, /\.zst$/);
    for (const length of [0, 5]) {
      writeFileSync(join(root, relative), readFileSync(join(root, relative)).subarray(0, length));
      await assert.rejects(gather(store.objects.list()), { code: "STORE_DAMAGED", path: relative });
    }
  });

  it("a damaged object is mended by putting its content again", async () => {
    const { root, checksums } = await sample();
    for (const [index, content] of CONTENTS.entries()) {
      await using store = fileStore(root);
      const path = join(root, store.locate({ object: checksums[index] ?? "" }));
      for (const at of [0, readFileSync(path).length - 1]) {
        flip(path, at);
        await store.objects.put(content);
        assert.deepEqual(await store.check(), []);
      }
    }
  });

  it("a torn tail is invisible to readers, found by check(), cut by repair() and by the next append", async () => {
    for (const torn of ['{"message_id":"m4"', '{"message_id":"m4"}', "\0".repeat(5_000)]) {
      for (const byAppend of [false, true]) {
        const { root } = await sample();
        const path = join(root, "runs/a/ledger.ndjson");
        const whole = readFileSync(path, "utf8");
        appendFileSync(path, torn);
        const repairs: string[] = [];
        await using store = fileStore(root, { onRepair: ({ reason }) => repairs.push(reason) });
        assert.equal(await store.logs.head("runs/a/ledger"), 3);
        assert.equal((await gather(store.logs.read("runs/a/ledger"))).length, 3);
        const [finding] = await store.check();
        assert.deepEqual(
          [finding?.kind, finding?.severity, finding?.line, finding?.offset],
          ["torn-tail", "warning", 4, whole.length],
        );
        assert.equal(readFileSync(path, "utf8"), whole + torn);
        if (byAppend) {
          assert.deepEqual(await store.logs.append("runs/a/ledger", [item("m4")]), {
            position: 4,
            duplicate: false,
          });
          assert.equal(repairs.length, 1);
        } else {
          const [dry] = await store.repair({ dryRun: true });
          assert.equal(dry?.repaired, true);
          assert.equal(readFileSync(path, "utf8"), whole + torn);
          const [mended] = await store.repair();
          assert.equal(mended?.repaired, true);
          assert.equal(readFileSync(path, "utf8"), whole);
        }
        assert.equal(readFileSync(`${path}.corrupt`, "utf8"), torn);
        assert.deepEqual(await store.check(), []);
      }
    }
  });

  it("a batch that was cut off is absent as a whole", async () => {
    const { root } = await sample();
    const path = join(root, "runs/a/ledger.ndjson");
    const before = readFileSync(path);
    const store = fileStore(root);
    await store.logs.append("runs/a/ledger", [item("m4"), item("m5"), item("m6")]);
    const after = readFileSync(path);
    const note = readFileSync(`${path}.batch`);
    await store.close();
    for (let cut = before.length + 1; cut < after.length; cut += 1) {
      writeFileSync(path, after.subarray(0, cut));
      writeFileSync(`${path}.batch`, note);
      await using next = fileStore(root);
      assert.equal(await next.logs.head("runs/a/ledger"), 3, `cut at ${cut}`);
      assert.deepEqual(await next.logs.append("runs/a/ledger", [item("m5")]), {
        position: 4,
        duplicate: false,
      });
      writeFileSync(path, before);
    }
  });

  it("a damaged line is never skipped: named by check(), taken out by salvage alone", async () => {
    const { root } = await sample();
    const path = join(root, "runs/a/ledger.ndjson");
    flip(path, item("m1").text.length + 1); // the first byte of line 2
    const damaged = readFileSync(path, "utf8").split("\n")[1];
    await using store = fileStore(root);
    assert.deepEqual(await kinds(store), ["damaged-line runs/a/ledger.ndjson:2"]);
    const [unmended] = await store.repair();
    assert.equal(unmended?.repaired, false);
    const [mended] = await store.repair({ salvage: true });
    assert.equal(mended?.repaired, true);
    assert.equal(readFileSync(path, "utf8"), `${item("m1").text}\n${item("m3").text}\n`);
    assert.equal(readFileSync(`${path}.corrupt`, "utf8"), `${damaged}\n`);
    assert.deepEqual(await store.check(), []);
  });

  it("bytes that are no text end the reading with line and offset", async () => {
    const { root } = await sample();
    const path = join(root, "runs/a/ledger.ndjson");
    const offset = item("m1").text.length + 1;
    flip(path, offset + 3, 0x80);
    await using store = fileStore(root);
    await assert.rejects(gather(store.logs.read("runs/a/ledger")), {
      code: "STORE_DAMAGED",
      line: 2,
      offset,
      path,
    });
  });

  it("a file that was put aside and has no end is damaged: the error names its line and offset", async () => {
    const { root } = await sample();
    await using writer = fileStore(root, { rotateBytes: item("m1").text.length + 1 });
    await writer.logs.append("runs/a/events", [item("m1")]);
    await writer.logs.append("runs/a/events", [item("m2")]);
    await writer.close();
    const [name = ""] = readdirSync(join(root, "runs/a")).filter((one) => one.startsWith("events_"));
    const path = join(root, "runs/a", name);
    writeFileSync(path, readFileSync(path).subarray(0, -1));
    await using store = fileStore(root);
    const expected = { code: "STORE_DAMAGED", path, line: 1, offset: 0 };
    await assert.rejects(gather(store.logs.read("runs/a/events")), expected);
  });

  it("leftovers of dead writers are found and removed, those of living ones stay", async () => {
    const { root } = await sample();
    const dead = join(root, "runs/a", `.run.json.tmp.${2 ** 22 + 1}.abc`);
    const living = join(root, "runs/a", `.run.json.tmp.${process.pid}.abc`);
    writeFileSync(dead, "x");
    writeFileSync(living, "x");
    await using store = fileStore(root);
    assert.equal((await store.check()).filter(({ kind }) => kind === "leftover").length, 1);
    await store.repair();
    assert.deepEqual([existsSync(dead), existsSync(living)], [false, true]);
  });

  it("a damaged store.json stops everything but a salvage", async () => {
    const { root } = await sample();
    writeFileSync(join(root, "store.json"), "{");
    await using store = fileStore(root);
    await assert.rejects(store.documents.get("runs/a/run"), { code: "STORE_DAMAGED" });
    await assert.rejects(store.documents.put("runs/a/run", 2), { code: "STORE_DAMAGED" });
    assert.deepEqual(await kinds(store), ["damaged-store store.json"]);
    await store.repair({ salvage: true });
    assert.deepEqual((await store.documents.get("runs/a/run"))?.value, { n: 1 });
    assert.ok(readdirSync(root).includes("store.json.corrupt"));
    assert.deepEqual(await store.check(), []);
  });

  it("a log that another store is writing is not repaired under its hands", async () => {
    const { root } = await sample();
    await using writer = fileStore(root);
    await writer.work.offer("q", "x", {});
    const [fence] = await writer.work.claim("q", "me", { id: "x" });
    assert.ok(fence !== undefined);
    await writer.logs.append("runs/a/ledger", [item("m4")], { fence });
    appendFileSync(join(root, "runs/a/ledger.ndjson"), '{"being written');
    await using other = fileStore(root, { writerWaitMs: 50 });
    assert.deepEqual(await other.check(), []);
    assert.deepEqual(await other.repair(), []);
    await assert.rejects(other.logs.append("runs/a/ledger", [item("m5")]), { code: "STORE_HELD" });
  });
});
