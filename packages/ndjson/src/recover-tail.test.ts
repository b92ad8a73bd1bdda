import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "@holdfast/test-kit";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { openLog } from "./open-log.ts";
import { readLog } from "./read-log.ts";
import { recoverTail, type TailRepair } from "./recover-tail.ts";

const WHOLE = '{"a":1}\n{"b":"zwei"}\n';

async function torn(
  path: string,
  tail: Uint8Array | string,
): Promise<{ repairs: TailRepair[]; corrupt: Buffer | undefined }> {
  writeFileSync(path, Buffer.concat([Buffer.from(WHOLE), Buffer.from(tail)]));
  const repairs: TailRepair[] = [];
  await using log = await openLog(path, { onRepair: (repair) => repairs.push(repair) });
  assert.deepEqual(repairs, log.repair === undefined ? [] : [log.repair]);
  assert.equal(log.position, 2);
  await log.append("after");
  assert.equal(readFileSync(path, "utf8"), `${WHOLE}"after"\n`);
  const corruptPath = `${path}.corrupt`;
  return { repairs, corrupt: existsSync(corruptPath) ? readFileSync(corruptPath) : undefined };
}

describe("a torn tail", () => {
  const garbage = Buffer.from(Array.from({ length: 256 }, (_, index) => (index * 89 + 131) % 256));
  const tails: readonly (readonly [string, Uint8Array | string, TailRepair["reason"]])[] = [
    ["a piece of a line", '{"c":', "unterminated"],
    ["one byte", "{", "unterminated"],
    ["a whole record without its newline", '{"c":3}', "unterminated"],
    ["zeros", new Uint8Array(5000), "zeros"],
    ["one zero", "\0", "zeros"],
    ["zeros longer than a block", new Uint8Array(200_000), "zeros"],
    ["garbage without a newline", garbage.filter((byte) => byte !== 0x0a), "unterminated"],
    ["garbage with newlines", Buffer.concat([garbage, garbage]), "garbage"],
    ["garbage that ends in a newline", Buffer.concat([garbage, Buffer.from("\n")]), "garbage"],
    ["zeros with a newline after them", `${"\0".repeat(100)}\n`, "garbage"],
    ["zeros, and the end of a record", `${"\0".repeat(100)}"}\n{"d"`, "garbage"],
  ];
  for (const [name, tail, reason] of tails) {
    it(`of ${name} is cut off and kept aside, and the log goes on`, async () => {
      using folder = temporaryFolder();
      const path = join(folder.path, "log.ndjson");
      const { repairs, corrupt } = await torn(path, tail);
      assert.deepEqual(repairs, [
        { path, corruptPath: `${path}.corrupt`, line: 3, offset: WHOLE.length, length: tail.length, reason },
      ]);
      assert.deepEqual(corrupt, Buffer.from(tail));
      assert.equal(statSync(`${path}.corrupt`).mode & 0o777, 0o600);
    });
  }

  it("is one that begins with a sector that was not written, however few bytes of the line are in it", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "log.ndjson");
    const first = `"${"a".repeat(506)}"\n`;
    writeFileSync(path, `${first}\0\0\0of a record"\n`);
    await using log = await openLog(path);
    assert.deepEqual([log.position, log.repair?.offset, log.repair?.reason], [1, 509, "garbage"]);
    await log.close();
    writeFileSync(path, `"${"a".repeat(511)}${"\0".repeat(512)}"\n`); // the first line of a log
    assert.equal((await recoverTail(path))?.offset, 0);
    writeFileSync(path, `"a"\n\0\0\0of a record"\n`); // three flipped bytes, perhaps, of what was acknowledged
    await assert.rejects(openLog(path), { code: "LOG_DAMAGED" });
  });

  it("of any bytes after the last newline is kept to the byte", async () => {
    using folder = temporaryFolder();
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), async (bytes) => {
        const tail = bytes.map((byte) => (byte === 0x0a ? 0x20 : byte));
        const { corrupt } = await torn(join(folder.path, `${run++}.ndjson`), tail);
        assert.deepEqual(corrupt, Buffer.from(tail));
      }),
      { numRuns: 40 },
    );
  });

  it("is added to an earlier one in the .corrupt file", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "log.ndjson");
    await torn(path, "first");
    const { corrupt } = await torn(path, "second");
    assert.equal(corrupt?.toString(), "firstsecond");
  });

  it("is only reported by a dry run", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "log.ndjson");
    writeFileSync(path, `${WHOLE}torn`);
    assert.equal((await recoverTail(path, { dryRun: true }))?.length, 4);
    assert.equal(readFileSync(path, "utf8"), `${WHOLE}torn`);
    assert.equal((await recoverTail(path))?.reason, "unterminated");
    assert.equal(await recoverTail(path), undefined);
    assert.equal(readFileSync(path, "utf8"), WHOLE);
    assert.equal(await recoverTail(join(folder.path, "none.ndjson")), undefined);
  });

  it("of a log without a whole record leaves an empty log", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "log.ndjson");
    writeFileSync(path, '{"first":');
    await using log = await openLog(path);
    assert.equal(log.position, 0);
    assert.equal(log.repair?.line, 1);
  });

  it("of a text log is what follows the last newline", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "transcript.txt");
    writeFileSync(path, "not json\n\nhalf a li");
    await using log = await openLog(path, { format: "text" });
    assert.equal(log.position, 2);
    assert.equal(readFileSync(`${path}.corrupt`, "utf8"), "half a li");
  });
});

describe("damage that is no torn tail", () => {
  for (const [name, content, line, offset] of [
    ["a last line that ends in a newline but is no JSON", `${WHOLE}{"c":3,}\n`, 3, WHOLE.length],
    ["a damaged last line before a torn one", `${WHOLE}{"c":3,}\n{"d"`, 3, WHOLE.length],
    ["an empty last line", `${WHOLE}\n`, 3, WHOLE.length],
    ["a file that was never a log", "GIF89a\0\0\0\0\0\0\0\0\0\0\n\0\0\0\u0001", 1, 0],
    ["nothing but newlines, very many of them", `{"a":1}\n${"\n".repeat(3_000_000)}`, 2_900_002, 2_900_008],
    ["zeros before whole records", `{"a":1}\n${"\0".repeat(40)}\n{"b":2}\n`, 2, 8],
  ] as const) {
    it(`(${name}) is refused with its place, and nothing is changed`, async () => {
      using folder = temporaryFolder();
      const path = join(folder.path, "log.ndjson");
      writeFileSync(path, content);
      await assert.rejects(openLog(path), { code: "LOG_DAMAGED", path, line, offset });
      assert.equal(readFileSync(path, "utf8"), content);
      assert.equal(existsSync(`${path}.corrupt`), false);
    });
  }
});

async function interrupted(
  path: string,
  change: (bytes: Buffer, start: number) => Buffer,
): Promise<string[]> {
  // The note of a batch outlives the writer when it dies; here it is put back as it was before close().
  const log = await openLog(path);
  await log.append("before");
  const start = log.size;
  await log.appendMany(["one", "two", "three"]);
  const note = readFileSync(`${path}.batch`);
  await log.close();
  writeFileSync(`${path}.batch`, note);
  writeFileSync(path, change(readFileSync(path), start));
  const seen = await Array.fromAsync(readLog(path), ({ record }) => String(record));
  await using again = await openLog(path);
  const records = await Array.fromAsync(readLog(path), ({ record }) => String(record));
  assert.equal(existsSync(`${path}.batch`), false);
  assert.equal(again.position, records.length);
  if (change.name !== "garbled") assert.deepEqual(seen, records, "a reader sees what a writer will keep");
  await again.append("after");
  return records;
}

describe("a hole before the tail", () => {
  it("is refused, or kept in its place for a log that is not synced each time", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "log.ndjson");
    writeFileSync(path, `1\n${"\0".repeat(600)}"}\n2\n`);
    await assert.rejects(openLog(path), { code: "LOG_DAMAGED", line: 2 });
    await using log = await openLog(path, { keepHoles: true });
    assert.deepEqual([log.position, log.repair], [3, undefined]);
    await log.append(3);
    await log.close();
    const damaged: number[] = [];
    const found = await Array.fromAsync(
      readLog(path, { onDamage: ({ line }) => damaged.push(line) }),
      ({ record }) => record,
    );
    assert.deepEqual([found, damaged], [[1, 2, 3], [2]]);
    // Nothing but a hole, and what was torn after it.
    writeFileSync(path, `${"\0".repeat(224)}{"a":1}\n{"b"`);
    await assert.rejects(openLog(path), { code: "LOG_DAMAGED", line: 1 });
    await using again = await openLog(path, { keepHoles: true });
    assert.deepEqual([again.position, again.repair?.offset], [0, 0]);
    await again.close();
    // A newline that was lost makes one damaged line of two; what was torn after it goes, and without a hole it is damage.
    writeFileSync(path, '{"a":1}\0{"b":2}\n{"c"');
    await assert.rejects(openLog(path), { code: "LOG_DAMAGED", line: 1 });
    await using joined = await openLog(path, { keepHoles: true });
    assert.deepEqual([joined.position, joined.repair?.offset], [1, 16]);
    await joined.close();
    writeFileSync(path, '{"a":1}{"b":2}\n{"c"');
    await assert.rejects(openLog(path, { keepHoles: true }), { code: "LOG_DAMAGED", line: 1 });
  });
});

describe("a batch", () => {
  it("cut at any byte is absent, for readers before the repair too", async () => {
    using folder = temporaryFolder();
    for (let cut = 0; cut < '"one"\n"two"\n"three"\n'.length; cut++) {
      const records = await interrupted(join(folder.path, `${cut}.ndjson`), (bytes, start) =>
        bytes.subarray(0, start + cut),
      );
      assert.deepEqual(records, ["before"], `cut after ${cut} bytes`);
    }
  });

  it("of full length with bytes in it that were never written is absent", async () => {
    using folder = temporaryFolder();
    const records = await interrupted(join(folder.path, "log.ndjson"), function garbled(bytes, start) {
      return bytes.fill(0, start + 2, start + 12);
    });
    assert.deepEqual(records, ["before"]);
  });

  it("that was written whole stays, and so does what came after it", async () => {
    using folder = temporaryFolder();
    const whole = ["before", "one", "two", "three"];
    assert.deepEqual(await interrupted(join(folder.path, "a.ndjson"), (bytes) => bytes), whole);
    const later = await interrupted(join(folder.path, "b.ndjson"), (bytes) =>
      Buffer.concat([bytes, Buffer.from('"x"\n')]),
    );
    assert.deepEqual(later, [...whole, "x"]);
  });
});
