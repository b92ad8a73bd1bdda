import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { env, execPath } from "node:process";
import { temporaryFolder } from "@holdfast/test-kit";
import { describe, it } from "vitest";
import { inspectLog, openLog, readLog } from "../src/index.ts";

const lineSchema = ["caller", "number", "part"] as const;

/** What a record of `append-forever.ts` says. */
function lineOf(record: unknown): { caller: number; number: number; part: number } {
  assert.ok(typeof record === "object" && record !== null);
  const [caller, number, part] = lineSchema.map((name) => new Map(Object.entries(record)).get(name));
  return { caller: Number(caller), number: Number(number), part: Number(part ?? 1) };
}

/** Lets a process append and kills it after some acknowledgements; gives these. */
async function appendUntilKilled(path: string, acknowledgements: number): Promise<string[]> {
  const program = join(import.meta.dirname, "append-forever.ts");
  const child = spawn(execPath, ["--conditions=holdfast-source", program, path], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
    if (said.split("\n").length > acknowledgements) child.kill("SIGKILL");
  });
  await once(child, "close");
  assert.equal(child.signalCode, "SIGKILL");
  return said.split("\n").slice(0, -1);
}

describe("a process that appends", () => {
  const rounds = env["HOLDFAST_LONG"] === "1" ? 50 : 6;
  it("killed by SIGKILL again and again keeps every acknowledged record, in order, and batches whole", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "events.jsonl");
    let before = 0;
    for (let round = 0; round < rounds; round++) {
      const acknowledged = await appendUntilKilled(path, 20 + round * 31);
      await using log = await openLog(path);
      const lines = await Array.fromAsync(readLog(path, { from: before + 1 }), ({ record }) =>
        lineOf(record),
      );
      for (const caller of [1, 2, 3, 4]) {
        const found = lines.filter((line) => line.caller === caller);
        const numbers = found.filter(({ part }) => part === 1).map(({ number }) => number);
        assert.deepEqual(
          numbers,
          Array.from({ length: numbers.length }, (_, index) => index + 1),
        );
        const last = acknowledged.filter((line) => line.startsWith(`${caller} `)).length;
        assert.ok(
          numbers.length >= last && numbers.length <= last + 1,
          `${last} acknowledged, ${numbers.length} found`,
        );
        for (const number of numbers.filter((each) => each % 5 === 0)) {
          assert.deepEqual(
            found.filter((line) => line.number === number).map(({ part }) => part),
            [1, 2, 3],
          );
        }
      }
      before = log.position;
      const report = await inspectLog(path);
      assert.deepEqual([report.records, report.damagedCount, report.torn], [before, 0, undefined]);
    }
  });
});
