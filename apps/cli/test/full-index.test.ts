import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "vitest";
import { type Finished, Place } from "./support/command.ts";
import { LimitedDisk } from "./support/limited-disk.ts";
import { writeScriptedWorkflow } from "./support/scripted-workflow.ts";

/** More than two of the pieces that an index is written in, and farther than verify() remembers ids. */
const EVENTS = 70_000;
const FAR = 66_000;

const idOf = (n: number): string => `01KDS${String(n).padStart(21, "0")}`;

function eventLines(run: string): string {
  return Array.from({ length: EVENTS }, (_, n) => {
    const event = {
      event_id: idOf(n),
      timestamp: new Date(Date.UTC(2026, 0, 2) + n * 1_000).toISOString(),
      turn_number: n,
      event_type: "STATE",
      simulation_id: run,
      ...(n >= FAR && n % 10 === 0 && { caused_by: [idOf(n - FAR)] }),
      details: { variable_name: "price", old_value: n, new_value: n + 1 },
    };
    return `${JSON.stringify(event)}\n`;
  }).join("");
}

/** A completed run with a long stream of events, in a store that is a disk of 32 MB. */
function placeOnDisk(place: Place): { readonly disk: LimitedDisk; readonly run: string } | undefined {
  const disk = LimitedDisk.mount(place.store, "32m");
  if (disk === undefined) return undefined;
  writeScriptedWorkflow(place.dir);
  assert.equal(place.holdfast(["run", "workflow.yaml", "--quiet"]).status, 0);
  const run = place.run();
  writeFileSync(join(place.store, "runs", run, "events.jsonl"), eventLines(run), { mode: 0o600 });
  return { disk, run };
}

const checksumOf = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex");
const isRoot = process.getuid?.() === 0;

describe.skipIf(!isRoot)(
  "a disk that is full while the events of a run are indexed (needs root and tmpfs)",
  { timeout: 300_000 },
  () => {
    it("the index is made elsewhere: every answer is as with room, and nothing that was saved is lost", (test) => {
      using place = new Place("full-index");
      const placed = placeOnDisk(place);
      if (placed === undefined) return test.skip("mounting is not allowed here");
      const { run } = placed;
      using disk = placed.disk;
      const stream = join(place.store, "runs", run, "events.jsonl");
      const saved = checksumOf(stream);
      const ledger = place.ledgerLines();
      const ask = (): Finished[] => [
        place.holdfast(["events", run, "--turn-start", "69990", "--json"]),
        place.holdfast(["verify", run]),
      ];
      const wanted = ask().map(({ status, stdout }) => ({ status, stdout }));
      assert.deepEqual(
        wanted.map(({ status }) => status),
        [0, 0],
      );
      // From no room for the file of the index at all, to room for a part of it.
      for (const room of [0, 1_500_000]) {
        rmSync(join(place.store, "index"), { recursive: true, force: true });
        disk.leave(room);
        const answers = ask();
        for (const [at, { status, stdout, stderr, signal }] of answers.entries())
          assert.deepEqual(
            { status, stdout },
            wanted[at],
            `${room} bytes are left: ${stderr} ${signal ?? ""}`,
          );
        assert.equal(checksumOf(stream), saved);
        assert.deepEqual(place.ledgerLines(), ledger);
        disk.free();
        assert.equal(place.quick(["verify"]).status, 0, "what the failed index left is no damage");
      }
      assert.equal(ask()[0]?.stdout, wanted[0]?.stdout);
    });

    it("with no room for temporary files either, every line is read instead: the answers are the same", (test) => {
      using place = new Place("full-everywhere");
      const placed = placeOnDisk(place);
      if (placed === undefined) return test.skip("mounting is not allowed here");
      const { run } = placed;
      using disk = placed.disk;
      const stream = join(place.store, "runs", run, "events.jsonl");
      const saved = checksumOf(stream);
      disk.leave(0);
      const env = { TMPDIR: place.store, SQLITE_TMPDIR: place.store };
      const count = place.holdfast(["events", run, "--count", "--json"], { env });
      assert.match(count.stdout, /70000/, count.stderr);
      const verified = place.holdfast(["verify", run], { env });
      assert.equal(verified.status, 0, verified.stdout + verified.stderr);
      assert.equal(checksumOf(stream), saved);
      disk.free();
      assert.deepEqual(place.holdfast(["events", run, "--count", "--json"]).stdout, count.stdout);
      assert.ok(existsSync(join(place.store, "index", "logs", "runs", run, "events.db")));
      assert.equal(place.quick(["verify"]).status, 0);
    });
  },
);
