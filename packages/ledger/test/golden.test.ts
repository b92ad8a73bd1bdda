import { readFileSync } from "node:fs";
import { join } from "node:path";
import { memoryStore, type Store } from "@holdfast/storage";
import { describe, expect, it } from "vitest";
import { openLedger, readLedger } from "../src/index.ts";
import { command, event, heartbeat, log } from "./messages.ts";

// Files as version 1 wrote them. They are never written anew: what reads them must go on to read them.
const golden = (name: string): string => readFileSync(join(import.meta.dirname, "golden", name), "utf8");

async function storeOf(text: string): Promise<Store> {
  const store = memoryStore();
  const lines = text.split("\n").slice(0, -1);
  await store.logs.append(
    "runs/r/ledger",
    lines.map((line) => ({ text: line })),
  );
  return store;
}

const artifact = { path: "src/duration.mjs", sha256: `sha256:${"a".repeat(64)}`, size: 120 };
const messages = [
  command(1, { unknown_field: [1, "é", null] }),
  heartbeat(1, { stats: { cpu_pct: 12.5, rss_bytes: 1_000_000 } }),
  event(1, "artifact.produced", { artifacts: [artifact] }),
  event(1, "builder.completed", {
    status: "success",
    payload: { tests: { status: "pass" } },
    artifacts: [artifact],
  }),
  log("U+2028 \u2028 and \u{1f600}", { fields: { n: 1e21, small: 5e-7 } }),
];

describe("golden files", () => {
  it("ledger-v1.ndjson is read, verified, and written the same today", async () => {
    const text = golden("ledger-v1.ndjson");
    await using store = await storeOf(text);
    const reader = readLedger(store, "r");
    expect(await Array.fromAsync(reader.replay(), ({ message }) => message)).toEqual(messages);
    expect(await reader.verifyChain()).toMatchObject({ ok: true, lines: 5, unchainedLines: 0 });
    await using again = memoryStore();
    await using ledger = await openLedger(again, "r");
    for (const message of messages) await ledger.append(message);
    const lines = await Array.fromAsync(again.logs.read("runs/r/ledger"), (line) => `${line.text}\n`);
    expect(lines.join("")).toBe(text);
  });

  it("ledger-unchained.ndjson, written elsewhere, is read and reported as unchained", async () => {
    await using store = await storeOf(golden("ledger-unchained.ndjson"));
    const reader = readLedger(store, "r");
    expect(await Array.fromAsync(reader.replay(), ({ message }) => message)).toEqual(messages);
    expect(await reader.verifyChain()).toMatchObject({
      ok: true,
      lines: 5,
      unchainedLines: 5,
      head: undefined,
    });
    expect(await reader.summarize()).toMatchObject({ unchained: true, pending: [], settled: 1 });
  });
});
