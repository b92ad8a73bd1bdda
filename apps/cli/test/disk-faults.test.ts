import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { describe, it } from "vitest";
import { Place } from "./support/command.ts";
import { checkLedger } from "./support/invariants.ts";
import { writeScriptedWorkflow } from "./support/scripted-workflow.ts";

const RUN = ["run", "workflow.yaml", "--quiet"];
const LONG = process.env["HOLDFAST_LONG"] !== undefined;

function mounts(type: string, target: string, options: string): boolean {
  return spawnSync("mount", ["-t", type, "-o", options, type, target], { stdio: "ignore" }).status === 0;
}

/** The number of calls that change the store in a whole run. */
function callsOfARun(): number {
  using place = new Place("calls");
  writeScriptedWorkflow(place.dir);
  const trace = place.path("trace.txt");
  assert.equal(place.holdfast(RUN, { faults: { TRACE: trace } }).status, 0);
  return readFileSync(trace, "utf8").trimEnd().split("\n").length;
}

/** After a fault: nothing acknowledged is lost, and the run (or a new one) ends completed once the disk is well. */
function assertRecovers(place: Place, before: readonly string[], label: string): void {
  const [run] = place.runs();
  if (run === undefined || place.holdfast(["status", run]).status === 3) {
    assert.equal(place.holdfast(RUN).status, 0, label);
    return;
  }
  const resumed = place.holdfast(["resume", run, "--quiet"]);
  assert.equal(resumed.status, 0, `${label}: ${resumed.stdout}${resumed.stderr}`);
  checkLedger(before, place.ledgerLines());
  const verified = place.holdfast(["verify"]);
  assert.equal(verified.status, 0, `${label}: ${verified.stdout}`);
}

/** From one sync that fails to the next; a run has some fifty. */
const SYNC_STEP = LONG ? 2 : 7;

describe("a run whose disk fails", { timeout: 1_200_000 }, () => {
  it("stops with an error at whichever call fails, and goes on once the disk is well", () => {
    const calls = callsOfARun();
    for (let sample = 0; sample < (LONG ? 200 : 8); sample++) {
      const call = 1 + Math.floor(((sample * 0.618033988749895) % 1) * calls);
      const code = ["ENOSPC", "EIO", "EROFS", "EDQUOT"][sample % 4];
      const label = `call ${call} fails with ${code}, from then on`;
      using place = new Place("fail");
      writeScriptedWorkflow(place.dir);
      const failed = place.holdfast(RUN, {
        faults: { FAIL_AT: `${call}:${code}:lasting` },
        timeoutMs: 60_000,
      });
      assert.equal(failed.signal, null, `${label}: it hangs`);
      assert.notEqual(failed.status, 0, label);
      assert.match(failed.stderr, /^holdfast: [A-Z_]+: /m, label);
      assertRecovers(place, place.ledgerLines(), label);
    }
  });

  it("does not believe a sync that fails once, although the next would succeed", () => {
    for (let sample = 1; sample <= (LONG ? 24 : 5); sample++) {
      using place = new Place("sync");
      writeScriptedWorkflow(place.dir);
      const failed = place.holdfast(RUN, {
        faults: { FAIL_SYNC: String(sample * SYNC_STEP) },
        timeoutMs: 60_000,
      });
      assert.equal(failed.signal, null, "it hangs");
      assert.notEqual(failed.status, 0, `sync ${sample * SYNC_STEP}`);
      assertRecovers(place, place.ledgerLines(), `sync ${sample * SYNC_STEP}`);
    }
  });
});

const isRoot = process.getuid?.() === 0;

describe.skipIf(!isRoot)("a size-limited file system (needs root and tmpfs)", { timeout: 300_000 }, () => {
  it("that fills stops the run with STORE_NO_SPACE or FILE_NO_SPACE; with room again, it goes on", (test) => {
    using place = new Place("full");
    mkdirSync(place.store);
    if (!mounts("tmpfs", place.store, "size=200k,mode=0700"))
      return test.skip("mounting is not allowed here");
    try {
      writeScriptedWorkflow(place.dir, {
        responses: {
          implement: {
            events: [
              { type: "builder.progress", payload: { pad: "x".repeat(90_000) } },
              { type: "builder.progress", payload: { pad: "y".repeat(90_000) } },
              {
                type: "artifact.produced",
                artifacts: [{ path: "src/a.mjs", content: "export const a = 1;\n" }],
              },
              { type: "builder.completed", status: "success" },
            ],
          },
        },
      });
      const full = place.holdfast(RUN, { timeoutMs: 60_000 });
      assert.notEqual(full.status, 0);
      assert.match(full.stderr, /NO_SPACE/);
      const before = place.ledgerLines();
      const [run] = place.runs();
      if (run !== undefined)
        assert.ok(
          [0, 3].includes(place.holdfast(["status", run]).status ?? 9),
          "reading works on a full disk",
        );
      spawnSync("mount", ["-o", "remount,size=20m", place.store]);
      assertRecovers(place, before, "a full disk");
    } finally {
      spawnSync("umount", ["-l", place.store]);
    }
  });

  it("that is read-only lets itself be read, and refuses a resume with STORE_READ_ONLY", (test) => {
    using place = new Place("read-only");
    mkdirSync(place.store);
    if (!mounts("tmpfs", place.store, "size=20m,mode=0700")) return test.skip("mounting is not allowed here");
    try {
      writeScriptedWorkflow(place.dir);
      place.holdfast(RUN, { faults: { KILL_AT: "120:after" } });
      const run = place.run();
      const before = place.ledgerLines();
      assert.equal(spawnSync("mount", ["-o", "remount,ro", place.store]).status, 0);
      for (const args of [
        ["runs"],
        ["status"],
        ["status", run],
        ["show", run],
        ["ledger", run],
        ["receipts", run],
        ["verify"],
        ["snapshot", "list"],
        ["repair", "--dry-run"],
      ]) {
        const read = place.holdfast(args);
        assert.ok(
          read.status === 0 || (args[0] === "verify" && read.status === 1),
          `${args.join(" ")}: ${read.stderr}`,
        );
      }
      const refused = place.holdfast(["resume", run]);
      assert.equal(refused.status, 1, refused.stderr);
      assert.match(refused.stderr, /READ_ONLY/);
      spawnSync("mount", ["-o", "remount,rw", place.store]);
      assertRecovers(place, before, "a read-only disk");
    } finally {
      spawnSync("umount", ["-l", place.store]);
    }
  });
});

describe("what a run leaves on disk", () => {
  it("is private: files 0600, folders 0700", () => {
    using place = new Place("modes");
    writeScriptedWorkflow(place.dir);
    assert.equal(place.holdfast(RUN).status, 0);
    const found = spawnSync(
      "find",
      [place.store, "-type", "f", "!", "-perm", "0600", "-o", "-type", "d", "!", "-perm", "0700"],
      { encoding: "utf8" },
    );
    assert.equal(found.stdout, "");
  });

  it("is not written through a symlink that was put in the way", () => {
    using place = new Place("symlink");
    writeScriptedWorkflow(place.dir);
    writeFileSync(place.path("outside.txt"), "mine");
    chmodSync(place.path("outside.txt"), 0o600);
    assert.equal(place.holdfast(RUN).status, 0);
    const size = statSync(place.path("outside.txt")).size;
    rmSync(place.path("src", "a.mjs"));
    spawnSync("ln", ["-s", place.path("outside.txt"), place.path("src", "a.mjs")]);
    assert.equal(place.holdfast(["verify"]).status, 1);
    assert.equal(statSync(place.path("outside.txt")).size, size);
  });
});
