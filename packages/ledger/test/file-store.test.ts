import { appendFileSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { fileStore } from "@holdfast/storage";
import { temporaryFolder } from "@holdfast/test-kit";
import { describe, expect, it } from "vitest";
import { openLedger, readLedger } from "../src/index.ts";
import { command, event, heartbeat, log } from "./messages.ts";

const messages = [
  command(1),
  heartbeat(1),
  event(1, "builder.completed"),
  log("four"),
  log("five \u{1f600}"),
];

/** Writes a ledger on files, changes the file, and says what verification finds. */
async function found(change: (path: string, bytes: Buffer) => void): Promise<[number, string, string][]> {
  using folder = temporaryFolder();
  const root = folder.file("store");
  {
    await using store = fileStore(root);
    await using ledger = await openLedger(store, "r");
    for (const message of messages) await ledger.append(message);
  }
  const path = `${root}/runs/r/ledger.ndjson`;
  change(path, readFileSync(path));
  await using store = fileStore(root);
  const { findings } = await readLedger(store, "r").verifyChain();
  return findings.map(({ position, kind, place }) => [position, kind, place]);
}

function lineAt(bytes: Buffer, line: number): number {
  let offset = 0;
  for (let n = 1; n < line; n += 1) offset = bytes.indexOf(10, offset) + 1;
  return offset;
}

describe("a ledger on files", () => {
  it("is what formats.md says: runs/<id>/ledger.ndjson, one line a message", async () => {
    expect(
      await found((_, bytes) => {
        expect(bytes.toString("utf8").split("\n")).toHaveLength(messages.length + 1);
        expect(bytes.at(-1)).toBe(10);
      }),
    ).toEqual([]);
  });

  it("names file and line of a flipped byte, wherever it is", async () => {
    for (const [line, shift] of [
      [1, 40],
      [3, 0],
      [4, 100],
      [5, 60],
    ] as const) {
      const findings = await found((path, bytes) => {
        const at = lineAt(bytes, line) + shift;
        bytes[at] = bytes.readUInt8(at) ^ 1;
        writeFileSync(path, bytes);
      });
      expect(findings[0]?.[0]).toBe(line);
      expect(findings[0]?.[2]).toBe(`runs/r/ledger.ndjson:${line}`);
    }
  });

  it("names bytes that are no text", async () => {
    const findings = await found((path, bytes) => {
      bytes[lineAt(bytes, 2) + 30] = 0xff;
      writeFileSync(path, bytes);
    });
    expect(findings[0]).toEqual([
      2,
      expect.stringMatching(/edited|not_json|unreadable/),
      "runs/r/ledger.ndjson:2",
    ]);
  });

  it("names a removed line, an empty line and a line of zeros", async () => {
    const without = await found((path, bytes) => {
      writeFileSync(
        path,
        Buffer.concat([bytes.subarray(0, lineAt(bytes, 2)), bytes.subarray(lineAt(bytes, 3))]),
      );
    });
    expect(without).toEqual([[2, "removed", "runs/r/ledger.ndjson:2"]]);
    for (const extra of ["\n", "\0\0\0\n"]) {
      const findings = await found((path, bytes) => {
        const at = lineAt(bytes, 3);
        writeFileSync(path, Buffer.concat([bytes.subarray(0, at), Buffer.from(extra), bytes.subarray(at)]));
      });
      expect(findings[0]?.[0]).toBe(3);
    }
  });

  it("a torn tail is no part of the ledger: the next append goes on from the last whole line", async () => {
    using folder = temporaryFolder();
    const root = folder.file("store");
    const path = `${root}/runs/r/ledger.ndjson`;
    for (let lost = 1; lost <= 60; lost += 13) {
      await using store = fileStore(root);
      const before = await store.logs.head("runs/r/ledger");
      {
        await using ledger = await openLedger(store, "r");
        await ledger.append(log("kept"));
        await ledger.append(log("torn"));
      }
      await store.close();
      truncateSync(path, readFileSync(path).length - lost);
      if (lost === 1) appendFileSync(path, " ");
      await using again = fileStore(root);
      await using ledger = await openLedger(again, "r");
      expect((await ledger.append(log("after"))).seq).toBe(before + 2);
      expect((await ledger.verifyChain()).ok).toBe(true);
    }
  });
});
