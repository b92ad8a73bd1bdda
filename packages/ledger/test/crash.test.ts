import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execPath } from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { type Claim, fileStore, type Store } from "@holdfast/storage";
import { temporaryFolder } from "@holdfast/test-kit";
import { describe, expect, it } from "vitest";
import { openLedger, readLedger } from "../src/index.ts";
import { log } from "./messages.ts";

/** Lets a process append until some time after its first line was acknowledged, and kills it. Gives the lines it said were acknowledged. */
async function appendAndDie(
  root: string,
  output: string,
  callers: number,
  afterMs: number,
): Promise<string[]> {
  const script = join(import.meta.dirname, "append-forever.ts");
  const out = openSync(output, "w");
  const child = spawn(execPath, ["--conditions=holdfast-source", script, root, String(callers)], {
    stdio: ["ignore", out, "inherit"],
  });
  closeSync(out);
  const closed = once(child, "close");
  while (child.exitCode === null && readFileSync(output).length === 0) await delay(5);
  await delay(afterMs);
  expect(child.exitCode).toBeNull();
  child.kill("SIGKILL");
  await closed;
  return readFileSync(output, "utf8").split("\n").slice(0, -1);
}

async function claimRun(store: Store): Promise<Claim> {
  const [claim] = await store.work.claim("runs", "tester", { id: "r" });
  if (claim === undefined) throw new Error("not claimed");
  return claim;
}

describe("kill -9", () => {
  it("loses nothing that was acknowledged, and leaves a chain that goes on, as often as it comes", async () => {
    using folder = temporaryFolder();
    const root = folder.file("store");
    const acknowledged = new Map<number, string>();
    for (const callers of [1, 16, 200, 3]) {
      for (const line of await appendAndDie(root, folder.file("said"), callers, 30 + callers)) {
        const [seq = "", chain = ""] = line.split(" ");
        acknowledged.set(Number(seq), chain);
      }
      await using store = fileStore(root);
      const reader = readLedger(store, "r");
      const stored = new Map<number, string | undefined>();
      for await (const { seq, chain } of reader.replay()) stored.set(seq, chain);
      const lost = [...acknowledged].filter(([seq, chain]) => stored.get(seq) !== chain);
      expect(lost).toEqual([]);
      expect(await reader.verifyChain()).toMatchObject({ ok: true, findings: [] });

      const claim = await claimRun(store);
      {
        await using ledger = await openLedger(store, "r", { fence: claim });
        const { seq, chain } = await ledger.append(log("after the crash"));
        expect(seq).toBe(stored.size + 1);
        acknowledged.set(seq, chain ?? "");
      }
      expect((await reader.verifyChain()).ok).toBe(true);
      await store.work.settle(claim, "ready");
    }
    expect(acknowledged.size).toBeGreaterThan(20);
  });
});
