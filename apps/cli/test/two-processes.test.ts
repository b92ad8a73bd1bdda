import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, it } from "vitest";
import { Place } from "./support/command.ts";
import { checkLedger } from "./support/invariants.ts";
import { writeScriptedWorkflow } from "./support/scripted-workflow.ts";

describe("two processes and one run", { timeout: 120_000 }, () => {
  it("of two resumes at once one works and the other ends with status 5, naming the holder", async () => {
    using place = new Place("two");
    writeScriptedWorkflow(place.dir, { delayMs: 300 });
    place.holdfast(["run", "workflow.yaml"], { faults: { KILL_AT: "60:after" } });
    const run = place.run();
    const before = place.ledgerLines();
    const first = place.start(["resume", run]);
    const second = place.start(["resume", run]);
    const ended = await Promise.all([first.ended, second.ended]);
    assert.deepEqual(
      ended.map(({ status }) => status).toSorted((a, b) => Number(a) - Number(b)),
      [0, 5],
      ended.map(({ stderr }) => stderr).join("\n"),
    );
    const loser = ended.find(({ status }) => status === 5);
    assert.match(loser?.stderr ?? "", /_HELD: .*process \d+ on/);
    checkLedger(before, place.ledgerLines());
    assert.equal(place.holdfast(["verify"]).status, 0);
  });

  it("a suspended holder keeps its run, and goes on when it wakes", async () => {
    using place = new Place("suspended");
    writeScriptedWorkflow(place.dir, { delayMs: 300 });
    const { child, ended } = place.start(["run", "workflow.yaml"]);
    while (place.ledgerLines().length < 3) await sleep(20);
    child.kill("SIGSTOP");
    const other = place.holdfast(["resume", place.run()]);
    assert.equal(other.status, 5, other.stderr);
    child.kill("SIGCONT");
    assert.equal((await ended).status, 0);
    assert.equal(place.holdfast(["verify"]).status, 0);
  });

  it("Ctrl-C saves the state, ends with 130 and says how to resume", async () => {
    using place = new Place("interrupt");
    writeScriptedWorkflow(place.dir, { delayMs: 400 });
    const { child, ended } = place.start(["run", "workflow.yaml"]);
    while (place.ledgerLines().length < 3) await sleep(20);
    child.kill("SIGINT");
    const { status, stdout, stderr } = await ended;
    assert.equal(status, 130);
    assert.match(stdout + stderr, new RegExp(`holdfast resume ${place.run()}`));
    const state = JSON.parse(place.holdfast(["status", place.run(), "--json"]).stdout);
    assert.equal(state.state.status, "aborted");
    assert.equal(place.holdfast(["resume", place.run()]).status, 0);
    assert.equal(place.holdfast(["verify"]).status, 0);
  });

  it("a holder in another container is not judged; --break-lock frees the run, and nothing else does", (test) => {
    if (spawnSync("unshare", ["--pid", "--fork", "--mount-proc", "true"]).status !== 0)
      test.skip("unshare is not allowed here");
    using place = new Place("container");
    writeScriptedWorkflow(place.dir);
    const [bin, node] = [place.command, process.execPath];
    // The holder dies in a pid namespace of its own (not as its first process, which no signal reaches): from here nobody can tell.
    const script = '"$0" --import "$1" "$2" run workflow.yaml --quiet; exit 0';
    const preload = new URL("./support/fault-points.mjs", import.meta.url).href;
    spawnSync("unshare", ["--pid", "--fork", "--mount-proc", "sh", "-c", script, node, preload, bin], {
      cwd: place.dir,
      env: { ...process.env, HOLDFAST_TEST_KILL_AT: "120:after", HOLDFAST_TEST_STORE: place.store },
    });
    const run = place.run();
    assert.equal(place.holdfast(["resume", run]).status, 5);
    const dry = place.holdfast(["repair", run, "--break-lock", "--dry-run"]);
    assert.match(dry.stderr, /would fence off process \d+ on/);
    assert.equal(place.holdfast(["resume", run]).status, 5);
    const freed = place.holdfast(["repair", run, "--break-lock"]);
    assert.equal(freed.status, 0, freed.stderr);
    assert.match(freed.stderr, /fenced off process \d+ on/);
    assert.equal(place.holdfast(["resume", run]).status, 0);
    assert.equal(place.holdfast(["verify"]).status, 0);
  });

  it("--break-lock takes nothing from a process of this machine", async () => {
    using place = new Place("break");
    writeScriptedWorkflow(place.dir, { delayMs: 400 });
    const { child, ended } = place.start(["run", "workflow.yaml"]);
    while (place.ledgerLines().length < 3) await sleep(20);
    child.kill("SIGSTOP"); // however long the other one takes
    assert.equal(place.holdfast(["repair", place.run(), "--break-lock"]).status, 5);
    child.kill("SIGCONT");
    assert.equal((await ended).status, 0);
  });

  it("a run that completed is not run again by a resume", () => {
    using place = new Place("again");
    writeScriptedWorkflow(place.dir);
    assert.equal(place.holdfast(["run", "workflow.yaml"]).status, 0);
    const before = place.ledgerLines();
    assert.equal(place.holdfast(["resume", place.run()]).status, 0);
    assert.equal(
      place.ledgerLines().filter((line) => line.includes('"kind":"command"')).length,
      before.filter((line) => line.includes('"kind":"command"')).length,
    );
  });
});
