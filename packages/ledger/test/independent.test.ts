import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memoryStore } from "@holdfast/storage";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openLedger } from "../src/index.ts";
import { anyMessage, log } from "./messages.ts";

const script = join(import.meta.dirname, "recompute-chain.py");
const python = spawnSync("python3", ["--version"]).status === 0;

/** A second way to canonical JSON, from RFC 8785, for places without Python. */
function jcs(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(jcs).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${jcs(member)}`).join(",")}}`;
}

function recomputed(text: string): { lines: number; chain: string } {
  if (python) {
    const folder = mkdtempSync(join(tmpdir(), "holdfast-ledger-"));
    try {
      writeFileSync(join(folder, "ledger.ndjson"), text);
      const { stdout, stderr } = spawnSync("python3", [script, join(folder, "ledger.ndjson")], {
        encoding: "utf8",
      });
      if (stdout === "") throw new Error(stderr);
      const result: { lines: number; chain: string } = JSON.parse(stdout);
      return result;
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
  let chain = "0".repeat(64);
  const lines = text.split("\n").slice(0, -1);
  for (const line of lines) {
    const parsed: Record<string, unknown> = JSON.parse(line);
    const { chain: stated, ...rest } = parsed;
    chain = createHash("sha256")
      .update(`${chain}\n${jcs(rest)}`)
      .digest("hex");
    if (chain !== stated) throw new Error(`the chain breaks at: ${line}`);
  }
  return { lines: lines.length, chain };
}

describe(`a chain recomputed from the documents alone (${python ? "Python" : "JavaScript"})`, () => {
  it("is the one that was written, whatever the messages hold", async () => {
    const numbers = [
      0.1,
      1e21,
      1e20,
      123456789012345680000,
      5e-324,
      1.7976931348623157e308,
      1e-6,
      1e-7,
      -1.5e-9,
      2 ** 53,
      -(2 ** 60),
      100,
      1e5,
      0.00001234,
    ];
    const strings = [
      "\u0000\u001f\u007f\u0080",
      "\u2028\u2029",
      '"\\/\b\f\n\r\t',
      "\u{1f600}\ufb33",
      "é\u0301",
    ];
    const messages = fc.sample(anyMessage, { numRuns: 2_000, seed: 20_260_102 });
    const doubles = fc.sample(fc.double({ noNaN: true, noDefaultInfinity: true }), {
      numRuns: 5_000,
      seed: 7,
    });
    await using store = memoryStore();
    await using ledger = await openLedger(store, "r");
    await Promise.all([
      ledger.append(log("numbers", { fields: { numbers, doubles } })),
      ledger.append(log("strings", { fields: { strings, "\u{1f600}": 1, "\ufb33": 2, "10": 3, "9": 4 } })),
      ...messages.map((message) => ledger.append(message)),
    ]);
    const text = (await Array.fromAsync(store.logs.read("runs/r/ledger"), (line) => `${line.text}\n`)).join(
      "",
    );
    expect(recomputed(text)).toEqual({ lines: messages.length + 2, chain: ledger.head.chain });
  });
});
