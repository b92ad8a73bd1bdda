import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "vitest";
import { Place } from "./support/command.ts";
import { checkLedger } from "./support/invariants.ts";
import { writeScriptedWorkflow } from "./support/scripted-workflow.ts";

const RUN = ["run", "workflow.yaml", "--quiet"];
/** Points tried in the ordinary run; all of them with HOLDFAST_LONG. */
const SAMPLE = 28;

/** Every call of a whole run that changes the store: one line a call, `number name path`. */
function traceOf(args: readonly string[]): string[] {
  using place = new Place("trace");
  writeScriptedWorkflow(place.dir);
  const trace = place.path("trace.txt");
  const result = place.holdfast(args, { faults: { TRACE: trace } });
  assert.equal(result.status, 0, result.stderr);
  return readFileSync(trace, "utf8").trimEnd().split("\n");
}

/** What a call does to which kind of file. */
const kindOf = (point: string) => point.replace(/^\d+ /, "").replace(/[0-9a-f]{6,}|\d+/g, "#");

/** A spread of points that has every kind of call on every kind of file among them. */
function spread(points: readonly string[], count: number): number[] {
  const first = new Map<string, number>();
  points.forEach((point, index) => {
    if (!first.has(kindOf(point))) first.set(kindOf(point), index + 1);
  });
  const chosen = new Set(first.values());
  for (let place = 0; chosen.size < count && place < points.length; place++) {
    chosen.add(1 + Math.floor(((place * 0.618033988749895) % 1) * points.length));
  }
  return [...chosen].toSorted((a, b) => a - b);
}

function killAndResume(point: number, when: "before" | "after", label: string): void {
  using place = new Place("kill");
  writeScriptedWorkflow(place.dir);
  const killed = place.holdfast(RUN, { faults: { KILL_AT: `${point}:${when}` } });
  // A shorter run than the traced one may end before its point; then it must have completed.
  if (killed.signal === null) {
    assert.equal(killed.status, 0, `${label}: ${killed.stderr}`);
    return;
  }
  assert.equal(killed.signal, "SIGKILL", label);
  const [run] = place.runs();
  const before = place.ledgerLines();
  if (run === undefined || place.holdfast(["status", run]).status === 3) {
    // Killed before the run was acknowledged: there is nothing to resume, and a new run is not in its way.
    assert.equal(before.length, 0, `${label}: a ledger without a run`);
    assert.equal(place.holdfast(RUN).status, 0, label);
    return;
  }
  const resumed = place.holdfast(["resume", run, "--quiet"]);
  assert.equal(resumed.status, 0, `${label}: ${resumed.stdout}${resumed.stderr}`);
  checkLedger(before, place.ledgerLines());
  const verified = place.holdfast(["verify"]);
  assert.equal(verified.status, 0, `${label}: ${verified.stdout}`);
  assert.equal(place.read("src", "b.mjs"), "export const b = 2;\n");
}

describe("a run killed at a call that changes the store", { timeout: 1_200_000 }, () => {
  it("goes on to its end, and nothing acknowledged is lost or done again", () => {
    const points = traceOf(RUN);
    assert.ok(points.length > 50, `only ${points.length} calls were seen`);
    const chosen =
      process.env["HOLDFAST_LONG"] === undefined
        ? spread(points, SAMPLE)
        : points.map((_, index) => index + 1);
    chosen.forEach((point, index) => {
      const whens =
        process.env["HOLDFAST_LONG"] === undefined
          ? [index % 2 === 0 ? "before" : "after"]
          : ["before", "after"];
      for (const when of whens as ("before" | "after")[])
        killAndResume(point, when, `${when} ${points[point - 1]}`);
    });
  });

  it("goes on as well when the resume is killed too", () => {
    const points = traceOf(RUN);
    const rounds = process.env["HOLDFAST_LONG"] === undefined ? 4 : 40;
    for (let round = 0; round < rounds; round++) {
      using place = new Place("kill-twice");
      writeScriptedWorkflow(place.dir);
      const first = 1 + Math.floor(points.length * (0.3 + (0.6 * round) / rounds));
      place.holdfast(RUN, { faults: { KILL_AT: `${first}:after` } });
      const [run] = place.runs();
      assert.ok(run !== undefined);
      let before = place.ledgerLines();
      for (const next of [3 + round * 2, 9 + round, 20 + round]) {
        place.holdfast(["resume", run, "--quiet"], {
          faults: { KILL_AT: `${next}:${next % 2 === 0 ? "before" : "after"}` },
        });
        const after = place.ledgerLines();
        checkLedger(before, after);
        before = after;
      }
      const resumed = place.holdfast(["resume", run, "--quiet"]);
      assert.equal(resumed.status, 0, resumed.stderr);
      checkLedger(before, place.ledgerLines());
      assert.equal(place.holdfast(["verify"]).status, 0);
    }
  });
});
