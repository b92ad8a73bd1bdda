import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { nodeFileSystem } from "@holdfast/fsutil";
import { type CrashDisk, crashDisk, faultyFileSystem } from "@holdfast/fsutil/faults";
import { temporaryFolder } from "@holdfast/test-kit";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { LogDamagedError } from "./errors.ts";
import { inspectLog } from "./inspect-log.ts";
import { openLog } from "./open-log.ts";
import { readLines, readLog } from "./read-log.ts";

async function recordsOf(path: string): Promise<unknown[]> {
  return Array.fromAsync(readLog(path), ({ record }) => record);
}

const record = fc.jsonValue({ noUnicodeString: false });

function replaceOn(disk: CrashDisk, path: string, bytes: Uint8Array): void {
  if (disk.statSync(path) !== undefined) disk.unlinkSync(path);
  const file = disk.openSync(path, "create");
  file.writeSync(bytes, 0);
  file.closeSync();
}

describe("readLog()", () => {
  it("gives back what was appended, whatever it is, with its place", async () => {
    using folder = temporaryFolder();
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(record, { maxLength: 20 }), async (records) => {
        const path = join(folder.path, `${run++}.ndjson`);
        await using log = await openLog(path, { durability: "none" });
        const places = await Promise.all(records.map((each) => log.append(each)));
        const found = await Array.fromAsync(readLog(path));
        assert.deepEqual(
          found.map((each) => each.record),
          records.map((each) => JSON.parse(JSON.stringify(each)) as unknown),
        );
        assert.deepEqual(
          found.map(({ position, offset, length }) => ({ position, offset, length })),
          places,
        );
        assert.deepEqual(
          found.map(({ line }) => line),
          records.map((_, index) => index + 1),
        );
      }),
      { numRuns: 60 },
    );
  });

  it("of a log cut at any byte gives the whole records before the cut", async () => {
    const disk = crashDisk();
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 6 }), async (records) => {
        const lines = records.map((each) => Buffer.from(`${JSON.stringify(each)}\n`));
        const whole = Buffer.concat(lines);
        const path = `/${run++}.ndjson`;
        for (let cut = 0; cut <= whole.length; cut++) {
          replaceOn(disk, path, whole.subarray(0, cut));
          let end = 0;
          const expected = lines
            .filter((line) => (end += line.length) <= cut)
            .map((line) => JSON.parse(String(line)) as unknown);
          const tails: number[] = [];
          const found = await Array.fromAsync(
            readLog(path, { fileSystem: disk, onTornTail: ({ length }) => tails.push(length) }),
            (each) => each.record,
          );
          assert.deepEqual(found, expected);
          const rest = cut - lines.slice(0, expected.length).reduce((sum, line) => sum + line.length, 0);
          assert.deepEqual(tails, rest === 0 ? [] : [rest]);
        }
      }),
      { numRuns: 15 },
    );
  });

  it("of a log with any bit flipped before its last line names the line, or loses no other line", async () => {
    const disk = crashDisk();
    const path = "/log.ndjson";
    const lines = [{ seq: 1, text: "a" }, { seq: 2, text: "ü" }, { seq: 3, list: [true, null] }, { seq: 4 }];
    const bytes = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    const starts = [0];
    for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) starts.push(at + 1);
    for (let bit = 0; bit < (starts[3] ?? 0) * 8; bit++) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      replaceOn(disk, path, flipped);
      const hit = starts.filter((start) => start <= bit >> 3).length;
      const found: unknown[] = [];
      let error: unknown;
      try {
        for await (const each of readLog(path, { fileSystem: disk })) found.push(each.record);
      } catch (reason) {
        error = reason;
      }
      assert.deepEqual(found.slice(0, hit - 1), lines.slice(0, hit - 1));
      if (error === undefined) {
        // Still JSON: another value in that line (a chain finds it), and every other line as it was.
        assert.equal(found.length, 4);
        assert.deepEqual(found.slice(hit), lines.slice(hit));
      } else {
        assert.ok(error instanceof LogDamagedError);
        // A newline in the middle makes two lines of one; the damage is in either.
        assert.ok(error.line === hit || error.line === hit + 1, `bit ${bit}`);
        assert.equal(error.code, "LOG_DAMAGED");
        assert.equal(error.path, path);
        assert.ok(error.offset >= (starts[hit - 1] ?? 0) && error.offset < (starts[hit] ?? 0));
      }
    }
  });

  it("goes over damage only when told to, and says what it left out", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "log.ndjson");
    writeFileSync(path, "1\n{bad}\n3\n\n5\n\xff\n7\n");
    await assert.rejects(recordsOf(path), { code: "LOG_DAMAGED", line: 2, offset: 2 });
    const damaged: number[] = [];
    const found = await Array.fromAsync(
      readLog(path, { onDamage: ({ line }) => damaged.push(line) }),
      (each) => each.record,
    );
    assert.deepEqual(found, [1, 3, 5, 7]);
    assert.deepEqual(damaged, [2, 4, 6]);
    const report = await inspectLog(path, { maxDamaged: 2 });
    assert.deepEqual([report.records, report.bytes, report.damagedCount], [4, 8, 3]);
    assert.deepEqual(
      report.damaged.map(({ line, offset }) => [line, offset]),
      [
        [2, 2],
        [4, 10],
      ],
    );
  });

  it("stops at a torn tail of garbage as openLog() will cut it", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "log.ndjson");
    writeFileSync(path, `1\n2\n${"\0".repeat(600)}\n${"\u0001".repeat(20)}`);
    const tails: number[] = [];
    const found = await Array.fromAsync(
      readLog(path, { onTornTail: ({ offset }) => tails.push(offset) }),
      (each) => each.record,
    );
    assert.deepEqual(found, [1, 2]);
    assert.deepEqual(tails, [4]);
    assert.deepEqual((await inspectLog(path)).torn, { path, line: 3, offset: 4, length: 621 });
  });

  it("stops at a torn tail when it reads JSON as text, and gives zeros before it as they are", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "log.ndjson");
    const texts = (): Promise<string[]> =>
      Array.fromAsync(readLines(path, { format: "json" }), ({ text }) => text);
    writeFileSync(path, `1\n2\n${"\0".repeat(600)}"}\n`);
    assert.deepEqual(await texts(), ["1", "2"]);
    writeFileSync(path, `1\n${"\0".repeat(600)}"}\n2\n`);
    assert.deepEqual(await texts(), ["1", `${"\0".repeat(600)}"}`, "2"]);
  });

  it("keeps what is easily lost: U+2028, __proto__, escapes of lone surrogates, -0, long numbers, CRLF, a byte order mark", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "log.ndjson");
    const texts = [
      '"\u2028\u2029\u0085"',
      '{"__proto__":{"a":1},"constructor":2}',
      '"\\ud800"',
      "[-0,1e5,0.1,123456789012345,1.7976931348623157e308,5e-324,0.30000000000000004]",
      '{"a" : 1}',
    ];
    writeFileSync(path, `\ufeff${texts.map((text) => `${text}\r\n`).join("")}`);
    const found = await recordsOf(path);
    assert.deepEqual(
      found,
      texts.map((text) => JSON.parse(text) as unknown),
    );
    assert.deepEqual(Object.keys(found[1] ?? {}), ["__proto__", "constructor"]);
    assert.deepEqual(
      await Array.fromAsync(readLines(path), ({ text }) => text),
      texts.map((text, index) => `${index === 0 ? "\ufeff" : ""}${text}\r`),
    );
  });

  it("refuses a line whose value would not be what its text says, unless exact is false", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "log.ndjson");
    const changed = [
      '{"a":1,"a":2}',
      '{"a":1,"\\u0061":2}',
      '{"b":[{"k":1,"k":1}]}',
      "[9007199254740993]",
      "12345678901234567890",
      "1e999",
      "[-1E400]",
      '{"a":1e9,"":0,"":0}',
      '{"a": 1e9,"b":0,"b":1}', // as long as with a decimal number
      '{"a":1000,"b":{"x":1e3,"x":1000}}',
    ];
    for (const text of changed) {
      writeFileSync(path, `1\n${text}\n3\n`);
      await assert.rejects(recordsOf(path), { code: "LOG_DAMAGED", line: 2, offset: 2 }, text);
      const loose = await Array.fromAsync(readLog(path, { exact: false }), (each) => each.record);
      assert.deepEqual(loose[1], JSON.parse(text));
      assert.equal((await Array.fromAsync(readLines(path)))[1]?.text, text);
    }
  });

  it("gives every value that keeps its meaning: the quick check refuses nothing that JSON.stringify writes", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "log.ndjson");
    const numbers = [
      0,
      1,
      -1,
      999,
      1000,
      -1000,
      1e21,
      1e15,
      1e16,
      2 ** 53,
      0.1,
      1e-7,
      123.456,
      1 / 3,
      -2.5e-9,
      5e-324,
    ];
    writeFileSync(path, numbers.map((number) => `${JSON.stringify({ number, s: '\\"\n' })}\n`).join(""));
    assert.deepEqual(
      await recordsOf(path),
      numbers.map((number) => ({ number, s: '\\"\n' })),
    );
  });

  it("keeps lines of every length around its buffers, and characters that lie across them", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "log.ndjson");
    const sizes = [
      65_530, 65_536, 65_540, 262_140, 262_144, 262_150, 524_280, 524_290, 589_824, 1_000_000, 3, 0,
      5_000_000,
    ];
    const texts = sizes.flatMap((size) => [
      "x".repeat(size),
      "ü€𝄞".repeat(Math.floor(size / 9)),
      `${"y".repeat(size % 7)}é`,
    ]);
    writeFileSync(path, texts.map((text) => `${JSON.stringify(text)}\n`).join(""));
    const found = await recordsOf(path);
    assert.equal(found.length, texts.length);
    for (const [index, text] of texts.entries()) assert.ok(found[index] === text, `line ${index + 1}`);
  });

  it("gives the same records and places whether it decodes lines one by one or many at a time", async () => {
    using folder = temporaryFolder();
    // Around the 64 KiB that are decoded at a time, and around the end of a block of 512 KiB.
    const sizes = [1, 70, 65_530, 65_535, 65_536, 65_537, 131_072, 3, 300, 524_288, 12, 65_536];
    const size = fc.oneof(fc.constantFrom(...sizes), fc.nat(200));
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(size, { minLength: 1, maxLength: 25 }), async (lengths) => {
        const texts = lengths.map((length) => JSON.stringify("x".repeat(length)));
        const path = join(folder.path, `${run++}.ndjson`);
        writeFileSync(path, `${texts.join("\n")}\n`);
        const found = await Array.fromAsync(readLog(path));
        // readLines() decodes each line by itself.
        const lines = await Array.fromAsync(readLines(path));
        assert.deepEqual(
          found.map(({ record: each, position, offset, length }) => [each, position, offset, length]),
          lines.map(({ text, position, offset, length }) => [JSON.parse(text), position, offset, length]),
        );
        assert.deepEqual(
          lines.map(({ text }) => text),
          texts,
        );
      }),
      { numRuns: 25 },
    );
  });

  it("refuses a line over maxLineBytes, whether it ends or not", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "log.ndjson");
    for (const size of [101, 70_000, 700_000]) {
      for (const end of ["\n", "\n1\n", ""]) {
        writeFileSync(path, `1\n${"1".repeat(size)}${end}`);
        await assert.rejects(Array.fromAsync(readLines(path, { maxLineBytes: size - 1 })), {
          code: "LOG_LINE_TOO_LONG",
        });
        const whole = await Array.fromAsync(readLines(path, { maxLineBytes: size }));
        assert.equal(whole.length, end === "" ? 1 : end.length === 1 ? 2 : 3);
      }
    }
  });

  it("starts and ends at any position", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "events.jsonl");
    await using log = await openLog(path, { durability: "none", rotateBytes: 4000 });
    await Promise.all(Array.from({ length: 1000 }, (_, index) => log.append(index + 1)));
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 1100 }),
        fc.integer({ min: 0, max: 1100 }),
        async (from, to) => {
          const found = await Array.fromAsync(readLog(path, { from, to }), ({ record: value, position }) => [
            value,
            position,
          ]);
          const expected = Array.from({ length: Math.max(0, Math.min(to, 1000) - from + 1) }, (_, index) => [
            from + index,
            from + index,
          ]);
          assert.deepEqual(found, expected);
        },
      ),
      { numRuns: 50 },
    );
    assert.throws(() => readLog(path, { from: 0 }), RangeError);
    assert.throws(() => readLog(path, { to: 1.5 }), RangeError);
  });

  it("of a log that is not there is empty; of a folder or a FIFO it is an error at once", async () => {
    using folder = temporaryFolder();
    assert.deepEqual(await recordsOf(join(folder.path, "none", "log.ndjson")), []);
    await assert.rejects(recordsOf(folder.path), { code: "LOG_IO" });
    execFileSync("mkfifo", [join(folder.path, "fifo")]);
    await assert.rejects(recordsOf(join(folder.path, "fifo")), { code: "LOG_IO" });
  });

  it("closes its file when the reader breaks, throws, aborts, fails, or reads to the end", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "log.ndjson");
    writeFileSync(path, "1234567\n".repeat(200_000));
    const counted = faultyFileSystem(nodeFileSystem);
    const options = { fileSystem: counted };
    for await (const { position } of readLog(path, options)) if (position === 3) break;
    assert.equal(counted.openFiles, 0);
    await assert.rejects(async () => {
      for await (const { position } of readLog(path, options))
        if (position === 100_000) throw new Error("reader");
    }, /reader/);
    assert.equal(counted.openFiles, 0);
    const controller = new AbortController();
    await assert.rejects(
      async () => {
        for await (const { position } of readLog(path, { ...options, signal: controller.signal })) {
          if (position === 100_000) controller.abort();
        }
      },
      { name: "AbortError" },
    );
    assert.equal(counted.openFiles, 0);
    let count = 0;
    for await (const each of readLog(path, options)) count += each.record === 1234567 ? 1 : 0;
    assert.equal(count, 200_000);
    assert.equal(counted.openFiles, 0);
    const failing = faultyFileSystem(nodeFileSystem, {
      at: 2,
      counts: ({ operation }) => operation === "read",
    });
    await assert.rejects(Array.fromAsync(readLog(path, { fileSystem: failing })), { code: "LOG_IO", path });
    assert.equal(failing.openFiles, 0);
    const unused = readLog(path, options);
    await unused.return();
    assert.deepEqual(await unused.next(), { done: true, value: undefined });
  });

  it("answers calls of next() that do not wait for each other, in order", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "log.ndjson");
    writeFileSync(path, "1\n2\n3\n");
    const iterator = readLog(path);
    const results = await Promise.all([1, 2, 3, 4, 5].map(() => iterator.next()));
    assert.deepEqual(
      results.map((result) => (result.done === true ? "done" : result.value.record)),
      [1, 2, 3, "done", "done"],
    );
  });

  it("gives what is appended while it reads, up to the end at the time it gets there", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "log.ndjson");
    writeFileSync(path, "1\n2\n");
    const found: unknown[] = [];
    for await (const each of readLog(path)) {
      if (found.push(each.record) === 1) appendFileSync(path, "3\n");
    }
    assert.deepEqual(found, [1, 2, 3]);
  });

  it("loses and doubles nothing while a writer rotates", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "events.jsonl");
    await using log = await openLog(path, { rotateBytes: 60, durability: "none" });
    let appended = 0;
    const stop = new AbortController();
    const writing = (async () => {
      while (!stop.signal.aborted) {
        await log.append(appended + 1);
        appended++;
      }
    })();
    for (let round = 0; round < 60; round++) {
      const least = appended;
      const found = await Array.fromAsync(readLog(path), (each) => each.record);
      assert.deepEqual(
        found,
        Array.from({ length: found.length }, (_, index) => index + 1),
      );
      assert.ok(found.length >= least, "what was acknowledged before is found");
    }
    stop.abort();
    await writing;
  });
});
