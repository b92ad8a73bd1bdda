import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execPath } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileStore } from "@holdfast/storage";
import { temporaryFolder } from "@holdfast/test-kit";
import { describe, it } from "vitest";
import { onceStore } from "../src/index.ts";
import type { Order } from "./once-process.ts";

interface Started {
  readonly child: ChildProcess;
  readonly up: Promise<void>;
  /** All it printed and how it ended. */
  readonly over: Promise<{
    readonly lines: readonly string[];
    readonly signal: string | null;
    readonly code: number | null;
  }>;
}

function start(order: Order): Started {
  const script = join(import.meta.dirname, "once-process.ts");
  const child = spawn(execPath, ["--conditions=holdfast-source", script, JSON.stringify(order)], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const up = Promise.withResolvers<void>();
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    if (output.includes("up\n")) up.resolve();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const over = new Promise<Awaited<Started["over"]>>((resolve) => {
    child.on("close", (code, signal) => {
      up.resolve();
      resolve({ lines: output.split("\n").filter((line) => line !== ""), code, signal });
    });
  });
  return { child, up: up.promise, over };
}

function acknowledged(lines: readonly string[]): string[] {
  return lines.filter((line) => line.startsWith("ack "));
}

function effectsIn(path: string): string[] {
  return existsSync(path) ? readFileSync(path, "utf8").trimEnd().split("\n") : [];
}

describe("once() with processes that are killed", () => {
  it("loses no acknowledged result and repeats no recorded work, killed before or after any call of the store", async () => {
    for (let at = 1, clean = false; !clean; at += 1) {
      const points = (["before", "after"] as const).map(async (killWhen) => {
        using folder = temporaryFolder();
        const root = folder.file("store");
        const effects = folder.file("effects");
        const { lines, signal } = await start({
          root,
          effects,
          keys: ["key"],
          workMs: 0,
          killAt: at,
          killWhen,
        }).over;
        const context = `call ${at}, ${killWhen}: ${lines.join("; ")}`;
        await using store = fileStore(root);
        const once = onceStore(store);
        const state = (await once.get("key"))?.state;
        assert.deepEqual(
          (await once.inDoubt()).map(({ key }) => key),
          state === "intent" ? ["key"] : [],
          context,
        );
        const began = effectsIn(effects).filter((line) => line === "begin key").length;
        assert.ok(state !== "done" || began === 1, context);
        let reruns = 0;
        const result = await once.once("key", { for: "key" }, ({ attempt }) => {
          reruns += 1;
          return { by: 0, attempt };
        });
        assert.equal(reruns, state === "done" ? 0 : 1, context);
        assert.equal(result.attempt, state === "intent" ? 2 : 1, context);
        for (const line of acknowledged(lines))
          assert.equal(line, `ack key ${JSON.stringify(result)}`, context);
        if (signal === null) assert.equal(acknowledged(lines).length, 1, context);
        return signal === null;
      });
      clean = (await Promise.all(points)).every(Boolean);
      assert.ok(at < 40, "it ends");
    }
  });

  it("lets one of several processes run, and the others have its result", async () => {
    using folder = temporaryFolder();
    const effects = folder.file("effects");
    const keys = ["a", "b", "c"];
    const order: Order = { root: folder.file("store"), effects, keys, workMs: 40 };
    const ends = await Promise.all([1, 2, 3].map(() => start(order).over));
    for (const { lines, code } of ends) {
      assert.equal(code, 0, lines.join("; "));
      assert.deepEqual(acknowledged(lines), acknowledged(ends[0]?.lines ?? []));
      assert.equal(acknowledged(lines).length, keys.length);
    }
    assert.deepEqual(
      effectsIn(effects),
      keys.flatMap((key) => [`begin ${key}`, `end ${key}`]),
    );
  });

  it("lets a waiting process take over at once when the running one is killed, but not while it is only stopped", async () => {
    using folder = temporaryFolder();
    const root = folder.file("store");
    const effects = folder.file("effects");
    const first = start({ root, effects, keys: ["key"], workMs: 60_000 });
    for (let i = 0; i < 1000 && effectsIn(effects).length === 0; i += 1) await sleep(10);
    assert.deepEqual(effectsIn(effects), ["begin key"]);
    first.child.kill("SIGSTOP");
    const second = start({ root, effects, keys: ["key"], workMs: 0 });
    await second.up;
    await sleep(300);
    assert.deepEqual(effectsIn(effects), ["begin key"], "a stopped holder keeps its work");
    await using store = fileStore(root);
    assert.deepEqual(await onceStore(store).inDoubt(), []);
    const killedAt = performance.now();
    first.child.kill("SIGKILL");
    const { lines, code } = await second.over;
    assert.equal(code, 0, lines.join("; "));
    assert.ok(performance.now() - killedAt < 5000);
    assert.deepEqual(effectsIn(effects), ["begin key", "begin key", "end key"]);
    assert.equal(acknowledged(lines)[0], `ack key {"attempt":2,"by":${second.child.pid}}`);
    await first.over;
  });

  it("lists work whose process was killed in the middle as in doubt, and a probe settles it", async () => {
    using folder = temporaryFolder();
    const root = folder.file("store");
    const { signal } = await start({
      root,
      effects: folder.file("effects"),
      keys: ["key"],
      workMs: 0,
      killInWork: true,
    }).over;
    assert.equal(signal, "SIGKILL");
    await using store = fileStore(root);
    const once = onceStore(store);
    const [doubtful] = await once.inDoubt();
    assert.equal(doubtful?.key, "key");
    const result = await once.once("key", { for: "key" }, () => assert.fail("must not run"), {
      probe: () => ({ state: "done", result: "it had been done" }),
    });
    assert.equal(result, "it had been done");
    assert.deepEqual(await once.inDoubt(), []);
  });
});
