import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "vitest";
import { Place } from "./support/command.ts";
import { completed, namesOf, readRun, slowly, writeSimulation } from "./support/simulation.ts";

const DAY = 86_400;
const SHAPE = { maxTurns: 10, interval: 2 };
const pathOf = (place: Place, run: string, ...path: string[]): string =>
  join(place.store, "runs", run, ...path);
const turnsOf = (place: Place, run: string): string[] =>
  namesOf(place, run, "checkpoints")
    .filter((name) => name.startsWith("turn_"))
    .toSorted((a, b) => Number(a.replace(/\D/g, "")) - Number(b.replace(/\D/g, "")));

function makeOld(path: string, days: number): void {
  const then = Date.now() / 1_000 - days * DAY;
  utimesSync(path, then, then);
}

interface Report {
  readonly dry_run: boolean;
  readonly removed: readonly { readonly path: string; readonly bytes: number }[];
  readonly files: number;
  readonly bytes: number;
  readonly left: readonly { readonly place: string; readonly reason: string }[];
}

function gc(place: Place, ...args: string[]): Report {
  const result = place.quick(["gc", ...args, "--json"]);
  assert.equal(result.status, 0, result.stderr + result.stdout);
  return JSON.parse(result.stdout);
}

function placeWithRun(): { place: Place; run: string } {
  const place = new Place("gc");
  writeSimulation(place.dir, SHAPE);
  return { place, run: completed(place) };
}

function assertVerifies(place: Place): void {
  const verified = place.quick(["verify"]);
  assert.equal(verified.status, 0, verified.stdout);
}

describe("gc, of checkpoints,", { timeout: 120_000 }, () => {
  it("without options removes none", () => {
    const { place, run } = placeWithRun();
    using _ = place;
    assert.equal(gc(place).files, 0);
    assert.equal(place.quick(["gc"]).stdout, "nothing to remove\n");
    assert.equal(turnsOf(place, run).length, 5);
  });

  it("--keep-last keeps the newest interval checkpoints, the final one and last, says the bytes, and verify still holds", () => {
    const { place, run } = placeWithRun();
    using _ = place;
    const sizes = ["turn_2.json", "turn_4.json"].map(
      (name) => statSync(pathOf(place, run, "checkpoints", name)).size,
    );
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    const dry = gc(place, "--keep-last", "2", "--dry-run");
    assert.deepEqual([dry.dry_run, dry.files, dry.bytes], [true, 2, bytes]);
    assert.equal(turnsOf(place, run).length, 5);
    const done = place.quick(["gc", "--keep-last", "2"]);
    assert.equal(done.status, 0);
    assert.match(done.stdout, /removed 2 files, .* freed/);
    assert.deepEqual(turnsOf(place, run), ["turn_6.json", "turn_8.json", "turn_10.json"]);
    assert.ok(existsSync(pathOf(place, run, "checkpoints", "last.json")));
    assertVerifies(place);
    assert.equal(place.quick(["replay", run, "--verify"]).status, 0);
    gc(place, "--keep-last", "0");
    assert.deepEqual(turnsOf(place, run), ["turn_10.json"]);
    assertVerifies(place);
    assert.equal(gc(place, "--keep-last", "0").files, 0);
    // What gc did not remove is still missed.
    rmSync(pathOf(place, run, "checkpoints", "turn_10.json"));
    assert.equal(place.quick(["verify"]).status, 1);
  });

  it("--older-than goes by age; with --keep-last both must hold", () => {
    const { place, run } = placeWithRun();
    using _ = place;
    for (const [turn, days] of [
      [2, 40],
      [4, 20],
      [6, 20],
      [10, 40],
    ] as const)
      makeOld(pathOf(place, run, "checkpoints", `turn_${turn}.json`), days);
    makeOld(pathOf(place, run, "checkpoints", "last.json"), 40);
    gc(place, "--older-than", "30d");
    assert.deepEqual(turnsOf(place, run), ["turn_4.json", "turn_6.json", "turn_8.json", "turn_10.json"]);
    gc(place, "--older-than", "10d", "--keep-last", "2");
    assert.deepEqual(turnsOf(place, run), ["turn_6.json", "turn_8.json", "turn_10.json"]);
    assert.ok(existsSync(pathOf(place, run, "checkpoints", "last.json")));
    assertVerifies(place);
  });

  it("never removes one that a fork started from, nor the newest of a run that is not finished", () => {
    const { place, run } = placeWithRun();
    using _ = place;
    const fork = completed(place, ["fork", run, "--turn", "4"]);
    assert.equal(readRun(place, fork, "run.json").parent.turn, 4);
    place.holdfast(["run", "simulation.yaml"], { env: { TEST_STOP_AT: "7" } });
    const killed = place.runs().find((id) => id !== run && id !== fork) ?? "";
    gc(place, "--keep-last", "0");
    assert.deepEqual(turnsOf(place, run), ["turn_4.json", "turn_10.json"]);
    assert.deepEqual(turnsOf(place, fork), ["turn_10.json"]);
    assert.deepEqual(turnsOf(place, killed), ["turn_6.json"]);
    assert.equal(place.quick(["resume", killed]).status, 0);
    assertVerifies(place);
    for (const id of place.runs()) assert.equal(place.quick(["replay", id, "--verify"]).status, 0);
  });

  it("works on one run when it is named", () => {
    const { place, run } = placeWithRun();
    using _ = place;
    const other = completed(place);
    gc(place, run, "--keep-last", "0");
    assert.equal(turnsOf(place, run).length, 1);
    assert.equal(turnsOf(place, other).length, 5);
    assert.equal(place.quick(["gc", "nobody"]).status, 3);
    for (const [flag, value] of [
      ["--keep-last", "-1"],
      ["--keep-last", "few"],
      ["--older-than", "7"],
      ["--older-than", "yesterday"],
    ] as const)
      assert.equal(place.quick(["gc", flag, value]).status, 2, `${flag} ${value}`);
  });

  it("leaves a run alone that is worked on: named, status 5; otherwise it is said", async () => {
    using place = new Place("gc-held");
    writeSimulation(place.dir, { maxTurns: 60, interval: 1 });
    const { child, ended } = place.start(["run", "simulation.yaml"], { env: slowly(50) });
    while (place.runs().length === 0 || namesOf(place, place.run(), "checkpoints").length < 4)
      await new Promise((resolve) => setTimeout(resolve, 20));
    const run = place.run();
    const refused = place.quick(["gc", run, "--keep-last", "0"]);
    assert.equal(refused.status, 5, refused.stderr);
    assert.match(refused.stderr, /_HELD: .*process \d+/);
    const report = gc(place, "--keep-last", "0");
    assert.equal(report.files, 0);
    assert.deepEqual(
      report.left.map((one) => one.place),
      [run],
    );
    assert.equal(gc(place, "--keep-last", "0", "--dry-run").left.length, 1);
    assert.ok(existsSync(pathOf(place, run, "checkpoints", "turn_1.json")));
    child.kill("SIGKILL");
    await ended;
    assert.ok(gc(place, run, "--keep-last", "0").files > 0);
    assert.equal(place.quick(["resume", run, "--max-turns", "1"]).status, 2, "no such option");
    assertVerifies(place);
  });

  it("removes none of any run while a run's state cannot be read: it may be a fork", () => {
    const { place, run } = placeWithRun();
    using _ = place;
    const other = completed(place);
    writeFileSync(pathOf(place, other, "run.json"), "{");
    const report = gc(place, "--keep-last", "0");
    assert.equal(report.files, 0);
    assert.match(report.left[0]?.reason ?? "", new RegExp(other));
    assert.equal(turnsOf(place, run).length, 5);
  });

  it("killed at any call goes on the next time, and nothing is taken for damage", () => {
    let call = 1;
    for (let isKilled = true; isKilled; call += 1) {
      const { place, run } = placeWithRun();
      using _ = place;
      const { signal } = place.holdfast(["gc", "--keep-last", "1"], {
        faults: { KILL_AT: `${call}:${call % 2 === 0 ? "before" : "after"}` },
      });
      isKilled = signal !== null;
      assertVerifies(place);
      gc(place, "--keep-last", "1");
      assert.deepEqual(turnsOf(place, run), ["turn_8.json", "turn_10.json"]);
      assertVerifies(place);
    }
    assert.ok(call > 10, String(call));
  });
});

describe("gc, of rotated event files,", { timeout: 60_000 }, () => {
  it("removes those that are old, and never the current one", () => {
    const { place, run } = placeWithRun();
    using _ = place;
    const event =
      '{"event_id":"01HZZZZZZZZZZZZZZZZZZZZZZZ","timestamp":"2026-01-02T03:04:05.000000Z","turn_number":1,"event_type":"SYSTEM","simulation_id":"x","details":{"status":"ok"}}\n';
    for (const [name, days] of [
      ["events_2026-01-02_03-04-05.jsonl", 40],
      ["events_2026-02-02_03-04-05.jsonl", 3],
    ] as const) {
      writeFileSync(pathOf(place, run, name), event, { mode: 0o600 });
      makeOld(pathOf(place, run, name), days);
    }
    makeOld(pathOf(place, run, "events.jsonl"), 40);
    assert.equal(gc(place, "--keep-last", "9").files, 0);
    const report = gc(place, "--older-than", "7d");
    assert.deepEqual(
      report.removed.map(({ path }) => path),
      [`runs/${run}/events_2026-01-02_03-04-05.jsonl`],
    );
    assert.ok(existsSync(pathOf(place, run, "events.jsonl")));
    assert.ok(existsSync(pathOf(place, run, "events_2026-02-02_03-04-05.jsonl")));
  });
});

const objectsOf = (place: Place): string[] =>
  readdirSync(join(place.store, "objects"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

function placeWithSnapshots(): { place: Place; kept: string; gone: string } {
  const place = new Place("gc-objects");
  mkdirSync(place.path("src"));
  writeFileSync(place.path("src", "a.txt"), "a");
  const take = (): string => JSON.parse(place.quick(["snapshot", "take", "--json"]).stdout).snapshot_id;
  const kept = take();
  writeFileSync(place.path("src", "b.txt"), "b");
  return { place, kept, gone: take() };
}

describe("gc, of contents,", { timeout: 120_000 }, () => {
  it("removes those that no snapshot names, once they were left alone for long enough", () => {
    const { place, kept, gone } = placeWithSnapshots();
    using _ = place;
    for (const path of objectsOf(place)) makeOld(path, 3);
    assert.equal(gc(place).files, 0, "a snapshot names them all");
    rmSync(join(place.store, "snapshots", `${gone}.manifest.json`));
    assert.equal(gc(place, "--older-than", "7d").files, 0);
    assert.equal(gc(place, "--dry-run").files, 1);
    const report = gc(place);
    assert.equal(report.files, 1);
    assert.ok(report.bytes > 0);
    assert.equal(objectsOf(place).length, 1);
    assert.equal(place.quick(["snapshot", "verify", kept]).status, 0);
    assertVerifies(place);
  });

  it("keeps those that a snapshot asked for a moment ago, whatever their age and the options", () => {
    const { place, gone } = placeWithSnapshots();
    using _ = place;
    rmSync(join(place.store, "snapshots", `${gone}.manifest.json`));
    rmSync(join(place.store, "index"), { recursive: true, force: true });
    for (const path of objectsOf(place)) makeOld(path, 3);
    // The contents are there already: nothing of them is written again, and the manifest comes last.
    assert.equal(place.quick(["snapshot", "take"]).status, 0);
    rmSync(join(place.store, "snapshots", `${gone}.manifest.json`));
    assert.equal(gc(place, "--older-than", "0s").files, 0);
    assert.equal(objectsOf(place).length, 2);
  });

  it("removes none while a manifest cannot be read", () => {
    const { place, kept, gone } = placeWithSnapshots();
    using _ = place;
    for (const path of objectsOf(place)) makeOld(path, 3);
    rmSync(join(place.store, "snapshots", `${gone}.manifest.json`));
    writeFileSync(join(place.store, "snapshots", `${kept}.manifest.json`), "{");
    const report = gc(place);
    assert.equal(report.files, 0);
    assert.match(report.left[0]?.place ?? "", new RegExp(kept));
    assert.equal(objectsOf(place).length, 2);
  });
});
