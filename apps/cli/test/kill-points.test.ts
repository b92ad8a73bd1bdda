import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "vitest";
import { Place } from "./support/command.ts";
import { checkLedger } from "./support/invariants.ts";
import { writeScriptedWorkflow } from "./support/scripted-workflow.ts";

const RUN = ["run", "workflow.yaml", "--quiet"];
const LONG = process.env["HOLDFAST_LONG"] !== undefined;
/**
 * Points tried in the ordinary run; all of them with HOLDFAST_LONG. Every point of a run, with every state of the disk there, is explored on a
 * simulated disk by `npm run check:faults`: what is left for here are processes that die.
 */
const SAMPLE = 12;

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

/** Points all over a run, each a call of another kind on another kind of file as long as there are such. */
function spread(points: readonly string[], count: number): number[] {
  const chosen = new Map<string, number>();
  for (let place = 0; chosen.size < count && place < 20 * points.length; place++) {
    const point = Math.floor(((place * 0.618033988749895) % 1) * points.length);
    const kind = kindOf(points[point] ?? "") + (place < points.length ? "" : ` ${point}`);
    if (!chosen.has(kind)) chosen.set(kind, point + 1);
  }
  return [...chosen.values()].toSorted((a, b) => a - b);
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
  if (run === undefined || !existsSync(join(place.store, "runs", run, "run.json"))) {
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
    const chosen = LONG ? points.map((_, index) => index + 1) : spread(points, SAMPLE);
    chosen.forEach((point, index) => {
      const one = index % 2 === 0 ? ("before" as const) : ("after" as const);
      for (const when of LONG ? (["before", "after"] as const) : [one])
        killAndResume(point, when, `${when} ${points[point - 1]}`);
    });
  });

  it("goes on as well when the resume is killed too", () => {
    const points = traceOf(RUN);
    const rounds = LONG ? 40 : 2;
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
