import assert from "node:assert/strict";
import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, it } from "vitest";
import { type Finished, Place } from "./support/command.ts";
import { rememberedPlace } from "./support/remembered-place.ts";
import { writeScriptedWorkflow } from "./support/scripted-workflow.ts";

/** A place with a completed run in it. */
const completedPlace = rememberedPlace("completed", (place) => {
  writeScriptedWorkflow(place.dir);
  const result = place.quick(["run", "workflow.yaml"]);
  assert.equal(result.status, 0, result.stderr);
});

/** A place with a run that was killed at its first step. */
const killedPlace = rememberedPlace("killed", (place) => {
  writeScriptedWorkflow(place.dir);
  place.holdfast(["run", "workflow.yaml"], { faults: { KILL_AT: "120:after" } });
});

function rewriteLedger(place: Place, change: (lines: string[]) => string[]): void {
  const lines = place.ledgerLines();
  writeFileSync(
    place.ledgerPath(),
    change(lines)
      .map((line) => `${line}\n`)
      .join(""),
  );
}

/** Verify must fail, and name the ledger and the line. */
function assertNamesLine(place: Place, line: number): void {
  const { status, stdout } = place.quick(["verify"]);
  assert.equal(status, 1, stdout);
  assert.match(stdout, new RegExp(`ledger\\.ndjson:${line}\\b`), stdout);
  const json = place.quick(["verify", "--json"]);
  assert.equal(json.status, 1);
  assert.ok(JSON.parse(json.stdout).findings.length > 0);
}

function flipBit(bytes: Buffer, at: number, bit: number): void {
  bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << bit), at);
}

function objectsOf(place: Place): string[] {
  const root = join(place.store, "objects");
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

describe("verify, of a store that was tampered with,", { timeout: 300_000 }, () => {
  let clean: Finished;
  beforeAll(() => {
    using place = completedPlace();
    clean = place.quick(["verify"]);
  });

  it("finds nothing wrong with an untouched one", () => {
    assert.equal(clean.status, 0, clean.stdout);
  });

  it("names file and line of an edited ledger line", () => {
    using place = completedPlace();
    rewriteLedger(place, (lines) =>
      lines.with(3, String(lines[3]).replace("{", '{"note":"not of its writer",')),
    );
    assertNamesLine(place, 4);
  });

  it("names file and line where a ledger line was removed", () => {
    using place = completedPlace();
    rewriteLedger(place, (lines) => lines.toSpliced(4, 1));
    assertNamesLine(place, 5);
  });

  it("names file and line where ledger lines were put in another order", () => {
    using place = completedPlace();
    rewriteLedger(place, (lines) => lines.with(2, String(lines[3])).with(3, String(lines[2])));
    assertNamesLine(place, 3);
  });

  it("finds ledger lines that were cut off the end", () => {
    using place = completedPlace();
    rewriteLedger(place, (lines) => lines.slice(0, -3));
    const { status, stdout } = place.quick(["verify"]);
    assert.equal(status, 1, stdout);
    assert.match(stdout, /ledger\.ndjson|run\.json/);
  });

  it("misses the command of a step that was under way, when it was cut off the end", () => {
    using place = new Place("cut-command");
    writeScriptedWorkflow(place.dir, { delayMs: 50 });
    place.holdfast(["run", "workflow.yaml"], { faults: { KILL_AT: "150:after" } });
    assert.equal(place.quick(["verify"]).status, 0);
    const last = place.ledgerLines().findLastIndex((line) => line.includes('"kind":"command"'));
    rewriteLedger(place, (lines) => lines.slice(0, last));
    const { status, stdout } = place.quick(["verify"]);
    assert.equal(status, 1, stdout);
    assert.equal(place.quick(["resume", place.run()]).status, 4);
  });

  it("names an artifact that was changed after its receipt", () => {
    using place = completedPlace();
    appendFileSync(place.path("src", "a.mjs"), "// changed\n");
    const { status, stdout } = place.quick(["verify"]);
    assert.equal(status, 1);
    assert.match(stdout, /src\/a\.mjs/);
  });

  it("names a damaged and a missing snapshot object", () => {
    using place = completedPlace();
    const [first, second] = objectsOf(place);
    assert.ok(first !== undefined && second !== undefined);
    const bytes = readFileSync(first);
    flipBit(bytes, bytes.length >> 1, 4);
    writeFileSync(first, bytes);
    rmSync(second);
    const { status, stdout } = place.quick(["verify"]);
    assert.equal(status, 1);
    for (const path of [first, second])
      assert.ok(stdout.includes(path.slice(-20).replace(/\.zst$/, "")), `${path} in ${stdout}`);
  });

  it("names a run state that is no document any more", () => {
    using place = completedPlace();
    writeFileSync(join(place.store, "runs", place.run(), "run.json"), "{ not json");
    const { status, stdout } = place.quick(["verify"]);
    assert.equal(status, 1);
    assert.match(stdout, /run\.json/);
    assert.equal(place.quick(["status", place.run()]).status, 4);
  });

  it("names a run state that was removed, or is of another run", () => {
    using place = completedPlace();
    const path = join(place.store, "runs", place.run(), "run.json");
    const state = readFileSync(path, "utf8");
    rmSync(path);
    const gone = place.quick(["verify"]);
    assert.equal(gone.status, 1);
    assert.match(gone.stdout, /run\.json\n.*there is no state/);
    writeFileSync(path, state.replace(/"run_id": ".*"/, '"run_id": "run-20200101-000000-00000000"'));
    const changed = place.quick(["verify"]);
    assert.equal(changed.status, 1);
    assert.match(changed.stdout, /run\.json\n.*it was changed after it was written/);
    writeFileSync(path, readFileSync(path, "utf8").replace(/,\n {2}"document_sha256": ".*"/, ""));
    const other = place.quick(["verify"]);
    assert.equal(other.status, 1);
    assert.match(other.stdout, /run\.json\n.*it is the state of run/);
  });

  it("finds any flipped bit of a ledger", () => {
    using place = completedPlace();
    const path = place.ledgerPath();
    const whole = readFileSync(path);
    for (let sample = 0; sample < 12; sample++) {
      const bytes = Buffer.from(whole);
      const at = Math.floor(((sample * 0.618033988749895) % 1) * (bytes.length - 400));
      flipBit(bytes, at, sample % 7);
      writeFileSync(path, bytes);
      const { status, stdout } = place.quick(["verify"]);
      assert.equal(status, 1, `bit ${sample % 7} of byte ${at}: ${stdout}`);
    }
  });
});

describe("repair", { timeout: 300_000 }, () => {
  it("cuts a torn tail, keeps its bytes aside and says so; the run goes on", () => {
    using place = killedPlace();
    const before = place.ledgerLines();
    appendFileSync(place.ledgerPath(), '{"kind":"event","message_id":"half');
    const dry = place.quick(["repair", "--dry-run"]);
    assert.equal(dry.status, 0);
    assert.match(dry.stdout, /ledger\.ndjson/);
    assert.match(place.read(".holdfast", "runs", place.run(), "ledger.ndjson"), /half$/);
    const repaired = place.quick(["repair"]);
    assert.equal(repaired.status, 0, repaired.stderr);
    assert.match(repaired.stdout, /ledger\.ndjson/);
    assert.deepEqual(place.ledgerLines(), before);
    const aside = readdirSync(join(place.store, "runs", place.run())).filter((name) =>
      name.includes("corrupt"),
    );
    assert.equal(aside.length, 1);
    assert.equal(place.quick(["resume", place.run()]).status, 0);
  });

  it("is not needed for a torn tail: resume cuts it too, and reports it", () => {
    using place = killedPlace();
    appendFileSync(place.ledgerPath(), Buffer.alloc(512));
    const resumed = place.quick(["resume", place.run()]);
    assert.equal(resumed.status, 0, resumed.stderr);
    assert.match(resumed.stderr, /ledger\.ndjson/);
    assert.equal(place.quick(["verify"]).status, 0);
  });

  it("leaves damage before the tail to be decided by a person", () => {
    using place = completedPlace();
    const path = place.ledgerPath();
    const bytes = readFileSync(path);
    bytes[bytes.indexOf(0x0a) + 1] = 0x58;
    writeFileSync(path, bytes);
    const repaired = place.quick(["repair"]);
    assert.match(repaired.stdout + repaired.stderr, /ledger\.ndjson:2/);
    assert.deepEqual(readFileSync(path), bytes);
  });

  it("removes leftovers of dead writers", () => {
    using place = completedPlace();
    const leftover = join(place.store, "runs", place.run(), ".run.json.tmp.999999999.abcdef");
    writeFileSync(leftover, "half");
    const repaired = place.quick(["repair"]);
    assert.equal(repaired.status, 0);
    assert.equal(existsSync(leftover), false);
  });

  it("of an untouched store changes nothing", () => {
    using place = completedPlace();
    const before = place.ledgerLines();
    assert.equal(place.quick(["repair"]).status, 0);
    assert.deepEqual(place.ledgerLines(), before);
    assert.equal(place.quick(["verify"]).status, 0);
  });
});

describe("resume, of a run whose ledger is damaged,", { timeout: 120_000 }, () => {
  it("refuses with status 4, names file, line and offset, and changes nothing", () => {
    using place = killedPlace();
    const path = place.ledgerPath();
    const bytes = readFileSync(path);
    bytes[5] = 0xff;
    writeFileSync(path, bytes);
    const resumed = place.quick(["resume", place.run()]);
    assert.equal(resumed.status, 4, resumed.stdout + resumed.stderr);
    assert.match(resumed.stderr, /ledger\.ndjson": line 1 at offset 0/);
    assert.deepEqual(readFileSync(path), bytes);
  });

  it("refuses a store of a newer format and leaves it untouched", () => {
    using place = completedPlace();
    const path = join(place.store, "store.json");
    const newer = readFileSync(path, "utf8")
      .replace(/"holdfast\/store\/v1"/, '"holdfast/store/v9"')
      .replace(/"format_version": 1/, '"format_version": 9');
    writeFileSync(path, newer);
    const resumed = place.quick(["resume", place.run()]);
    assert.equal(resumed.status, 4, resumed.stderr);
    assert.equal(readFileSync(path, "utf8"), newer);
  });

  it("goes back to a step whose artifact was taken away", () => {
    using place = new Place("rewind");
    writeScriptedWorkflow(place.dir);
    // Late enough that the first receipt is there.
    place.holdfast(["run", "workflow.yaml"], { faults: { KILL_AT: "200:after" } });
    const receipts = join(place.store, "runs", place.run(), "receipts", "T-1");
    assert.ok(existsSync(receipts), "killed before the first receipt");
    rmSync(place.path("src", "a.mjs"));
    const resumed = place.quick(["resume", place.run()]);
    assert.equal(resumed.status, 0, resumed.stderr);
    assert.equal(place.read("src", "a.mjs"), "export const a = 1;\n");
    assert.equal(place.quick(["verify"]).status, 0);
    truncateSync(place.path("src", "a.mjs"), 0);
    assert.equal(place.quick(["verify"]).status, 1);
  });
});
