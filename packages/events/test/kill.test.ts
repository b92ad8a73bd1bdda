import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { env } from "node:process";
import { setTimeout } from "node:timers/promises";
import { fileStore } from "@holdfast/storage";
import { startProgram, temporaryFolders } from "@holdfast/test-kit";
import { describe, it } from "vitest";
import { eventLog, openEventStream } from "../src/index.ts";
import { action } from "./events.ts";

const EMITTER = join(import.meta.dirname, "emitter.ts");
const newFolder = temporaryFolders();

describe("a writer that is killed", () => {
  it.each(env["HOLDFAST_LONG"] === undefined ? [0, 7] : Array.from({ length: 40 }, (_, ms) => ms))(
    "leaves whole lines, and all that drain() acknowledged (%i ms later)",
    async (delay) => {
      const root = newFolder();
      const program = startProgram(EMITTER, [root, "wait", "100000000", "300000"]);
      let drained = 0;
      for (let lines = 0; lines < 3; lines += 1) drained = Number(await program.line());
      await setTimeout(delay);
      program.process.kill("SIGKILL");
      for (let line = await program.line(); line !== undefined; line = await program.line())
        drained = Number(line);
      assert.equal((await program.ended).signal, "SIGKILL");

      const folder = join(root, "runs", "r");
      const names = readdirSync(folder).filter((name) => /^events_.*\.jsonl$/.test(name));
      let turn = 0;
      for (const name of [...names.toSorted((a, b) => (a < b ? -1 : 1)), "events.jsonl"]) {
        const pieces = readFileSync(join(folder, name), "utf8").split("\n");
        const torn = pieces.pop();
        if (name !== "events.jsonl") assert.equal(torn, "", name);
        for (const piece of pieces)
          assert.equal((JSON.parse(piece) as { turn_number: number }).turn_number, ++turn);
      }
      assert.ok(turn >= drained && drained > 0, `${turn} of ${drained}`);

      // The next writer goes on, and readers see both.
      await using store = fileStore(root);
      const log = eventLog(store, "r");
      assert.equal((await log.count()).total, turn);
      const stream = await openEventStream(store, "r");
      const id = stream.emit(action(turn + 1));
      await stream.close();
      const { total, corrupt_lines, events } = await log.query({ newest_first: true, limit: 1 });
      assert.deepEqual([total, corrupt_lines, events[0]?.event_id], [turn + 1, 0, id]);
    },
  );
});
