import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "@holdfast/test-kit";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { openLog } from "./open-log.ts";
import { scanLog } from "./scan-log.ts";

const names = fc.constantFrom("kind", "key", "ü", 'a"b', "");

function parseObject(line: string): Map<string, unknown> {
  return new Map(Object.entries(JSON.parse(line)));
}

describe("scanLog()", () => {
  it("finds the same values as JSON.parse, in any object", async () => {
    using folder = temporaryFolder();
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.dictionary(fc.oneof(names, fc.string()), fc.jsonValue()), { maxLength: 10 }),
        fc.uniqueArray(names, { maxLength: 4 }),
        fc.boolean(),
        async (records, fields, isSpaced) => {
          const path = join(folder.path, `${run++}.ndjson`);
          const lines = records.map((record) =>
            JSON.stringify(record, undefined, isSpaced ? " " : "").replaceAll("\n", "\t"),
          );
          writeFileSync(path, lines.map((line) => `${line}\n`).join(""));
          const found = (await Array.fromAsync(scanLog(path, { fields }))).flat();
          const parsed = lines.map((line) => parseObject(line));
          assert.deepEqual(
            found.map(({ values }) => values),
            parsed.map((record) => fields.map((name) => record.get(name))),
          );
        },
      ),
      { numRuns: 150 },
    );
  });

  it("gives places from any position, over rotated files, and a byte order mark is no part of a line", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "events.jsonl");
    writeFileSync(path, '\ufeff{"kind":"first"}\r\n');
    await using log = await openLog(path, { rotateBytes: 500, durability: "none" });
    for (let index = 2; index <= 100; index++)
      await log.append({ n: index, kind: index % 2 === 0 ? "even" : "odd" });
    const found = (await Array.fromAsync(scanLog(path, { fields: ["kind"], to: 90 }))).flat();
    assert.deepEqual(
      found.map(({ position }) => position),
      Array.from({ length: 90 }, (_, index) => index + 1),
    );
    assert.deepEqual(found[0], { position: 1, offset: 0, length: 20, values: ["first"] });
    assert.deepEqual(found[89]?.values, ["even"]);
    const late = (await Array.fromAsync(scanLog(path, { fields: ["n"], from: 42 }))).flat();
    assert.deepEqual(
      late.map(({ values }) => values[0]),
      Array.from({ length: 59 }, (_, index) => index + 42),
    );
  });

  it("refuses a line that is no object, and stops before a torn tail", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "log.ndjson");
    for (const line of ["[1]", "", '{"a', '{"a":1 "b":2}', '{"a":[1,2', '{"a"}']) {
      writeFileSync(path, `{"kind":1}\n${line}\n{"kind":2}\n`);
      await assert.rejects(Array.fromAsync(scanLog(path, { fields: ["kind"] })), {
        code: "LOG_DAMAGED",
        line: 2,
        offset: 11,
      });
      const damaged: number[] = [];
      const found = await Array.fromAsync(
        scanLog(path, { fields: ["kind"], onDamage: (damage) => damaged.push(damage.line) }),
      );
      assert.deepEqual(
        found.flat().map(({ values }) => values[0]),
        [1, 2],
      );
      assert.deepEqual(damaged, [2]);
    }
    writeFileSync(path, `{"kind":1}\n${"\0".repeat(50)}\n{"kind"`);
    const found = await Array.fromAsync(scanLog(path, { fields: ["kind"] }));
    assert.deepEqual(
      found.flat().map(({ values }) => values[0]),
      [1],
    );
  });
});
