import assert from "node:assert/strict";
import { join } from "node:path";
import { env } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { startProgram, temporaryFolders } from "@holdfast/test-kit";
import { describe, it } from "vitest";
import { gather } from "../src/conformance/test-api.ts";
import { fileStore } from "../src/index.ts";
import { isRecord } from "../src/json.ts";

const newFolder = temporaryFolders();
const WRITER = join(import.meta.dirname, "writer.ts");
const ROUNDS = env["HOLDFAST_LONG"] === undefined ? 4 : 50;

describe("several processes on one store of files", () => {
  it("compare-and-set by four of them loses no update", async () => {
    const root = newFolder();
    const children = Array.from({ length: 4 }, (_, n) =>
      startProgram(WRITER, ["count", root, `w${n}`, "25"]),
    );
    for (const { code, stderr } of await Promise.all(children.map(({ ended }) => ended))) {
      assert.deepEqual([code, stderr], [0, ""]);
    }
    await using store = fileStore(root);
    assert.equal((await store.documents.get("counters/one"))?.value, 100);
    assert.deepEqual(await store.check(), []);
  });

  it("appends by two of them take turns: all lines, once, at the positions that were acknowledged", async () => {
    const root = newFolder();
    const children = Array.from({ length: 2 }, (_, n) =>
      startProgram(WRITER, ["append", root, `w${n}`, "25"]),
    );
    const acknowledged = await Promise.all(
      children.map(async (child) => {
        const lines: string[] = [];
        for (let line = await child.line(); line !== undefined; line = await child.line()) lines.push(line);
        assert.deepEqual(await child.ended, { code: 0, signal: null, stderr: "" });
        return lines;
      }),
    );
    await using store = fileStore(root);
    const found = (await gather(store.logs.read("shared/log"))).map(({ position, text }) => {
      const { message_id: id }: { message_id: string } = JSON.parse(text);
      return `${position} ${id}`;
    });
    assert.deepEqual(found.toSorted(), acknowledged.flat().toSorted());
    assert.equal(found.length, 50);
  });

  it("puts of the same objects by three of them keep each once", async () => {
    const root = newFolder();
    const children = Array.from({ length: 3 }, (_, n) => startProgram(WRITER, ["put", root, `w${n}`, "60"]));
    for (const { code, stderr } of await Promise.all(children.map(({ ended }) => ended))) {
      assert.deepEqual([code, stderr], [0, ""]);
    }
    await using store = fileStore(root);
    assert.equal((await gather(store.objects.list())).length, 60);
    assert.deepEqual(await store.check(), []);
  });

  it("a claim is kept while its holder is suspended, free as soon as it is killed, under a larger token", async () => {
    const root = newFolder();
    const child = startProgram(WRITER, ["hold", root, "them"]);
    const token = Number((await child.line())?.split(" ")[1]);
    await using store = fileStore(root);
    child.process.kill("SIGSTOP");
    const { pid } = child.process;
    const refused = await store.work.claim("runs", "me", { id: "r" }).catch((error: unknown) => error);
    assert.ok(refused instanceof Error && "code" in refused && "holder" in refused);
    assert.equal(refused.code, "STORE_HELD");
    assert.match(
      refused.message,
      new RegExp(`"runs/r": it is held by "them", process ${pid}, on .*, since 2`),
    );
    assert.equal((await store.work.holder("runs", "r"))?.pid, pid);
    child.process.kill("SIGKILL");
    await child.ended;
    assert.equal(await store.work.holder("runs", "r"), undefined);
    const [claim] = await store.work.claim("runs", "me", { id: "r" });
    assert.ok(claim !== undefined && claim.token > token);
    const old = { queue: "runs", id: "r", token };
    await assert.rejects(store.documents.put("runs/r/run", 1, { fence: old }), {
      code: "STORE_FENCED",
      actual: claim.token,
    });
  });

  it("killed at any moment: what was acknowledged is there, batches are whole, a retry writes nothing twice", async () => {
    const root = newFolder();
    const positions = new Map<string, number>();
    const batches: string[][] = [];
    const objects = new Set<string>();
    let document = -1;
    let token = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      document = -1;
      const child = startProgram(WRITER, ["everything", root, `w${round}`]);
      let lines = 0;
      for (let line = await child.line(); line !== undefined; line = await child.line()) {
        const [kind, first = "", ...ids] = line.split(" ");
        if (kind === "token") {
          assert.ok(Number(first) > token);
          token = Number(first);
        } else if (kind === "object") objects.add(first);
        else if (kind === "document") document = Number(first);
        else if (kind === "position") {
          batches.push(ids);
          for (const [index, id] of ids.entries()) positions.set(id, Number(first) - ids.length + 1 + index);
        }
        lines += 1;
        if (lines === 12 + ((round * 7) % 40))
          void sleep(round % 4).then(() => child.process.kill("SIGKILL"));
      }
      assert.deepEqual(await child.ended, { code: null, signal: "SIGKILL", stderr: "" });

      await using store = fileStore(root);
      const texts = (await gather(store.logs.read("runs/r/ledger"))).map(({ text }) => {
        const line: { message_id: string } = JSON.parse(text);
        return line.message_id;
      });
      for (const [id, position] of positions) assert.equal(texts[position - 1], id);
      assert.equal(new Set(texts).size, texts.length, "no line twice");
      // Of every batch, acknowledged or not, all lines are there.
      const sizes = new Map<string, number>();
      for (const id of texts) {
        const name = id.slice(0, id.lastIndexOf("-"));
        sizes.set(name, (sizes.get(name) ?? 0) + 1);
      }
      for (const [name, size] of sizes) assert.equal(size, 1 + (Number(name.split("-")[1]) % 3), name);
      const value = (await store.documents.get("runs/r/run"))?.value;
      assert.ok(isRecord(value));
      assert.ok(Number(value["n"]) >= document);
      for (const checksum of objects) assert.equal(await store.objects.has(checksum), true);
      const errors = (await store.check()).filter(({ severity }) => severity === "error");
      assert.deepEqual(errors, []);
      // The last batch that was acknowledged, as if its answer had been lost.
      const retry = (batches.at(-1) ?? []).map((id) => ({
        text: JSON.stringify({ message_id: id }),
        dedupe: id,
      }));
      const answer = await store.logs.append("runs/r/ledger", retry);
      assert.deepEqual(answer, { position: positions.get(retry.at(-1)?.dedupe ?? ""), duplicate: true });
      await store.repair();
      assert.deepEqual(await store.check(), []);
    }
  });
});
