import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { describe, it } from "vitest";
import { Place } from "./support/command.ts";
import { writeScriptedWorkflow } from "./support/scripted-workflow.ts";

describe("two runs in one workspace", { timeout: 60_000 }, () => {
  it("each task of a config is a run of its own; a file that a later one made again is that one's to answer for", () => {
    using place = new Place("two-runs");
    writeScriptedWorkflow(place.dir, {
      responses: {
        implement: [
          {
            events: [
              {
                type: "artifact.produced",
                artifacts: [{ path: "src/a.mjs", content: "export const a = 1;\n" }],
              },
              { type: "builder.completed", status: "success" },
            ],
          },
        ],
      },
    });
    const config = JSON.parse(place.read("workflow.yaml"));
    delete config.agents.reviewer;
    delete config.agents.spec_maintainer;
    config.tasks.push({ ...config.tasks[0], id: "T-2" });
    writeFileSync(place.path("workflow.yaml"), JSON.stringify(config));
    assert.equal(place.holdfast(["run", "workflow.yaml", "--task", "T-1"]).status, 0);
    // The second run makes the same file with other content.
    const script = place.read("script.json").replace("a = 1", "a = 22");
    writeFileSync(place.path("script.json"), script);
    assert.equal(place.holdfast(["run", "workflow.yaml", "--task", "T-2"]).status, 0);
    assert.equal(place.runs().length, 2);
    const whole = place.holdfast(["verify"]);
    assert.equal(whole.status, 0, whole.stdout);
    writeFileSync(place.path("src", "a.mjs"), "// changed by hand\n");
    const damaged = JSON.parse(place.holdfast(["verify", "--json"]).stdout);
    assert.equal(damaged.errors, 1);
    assert.match(damaged.findings[0].place, /src\/a\.mjs$/);
  });

  it("without --task, each task is run in turn", () => {
    using place = new Place("each-task");
    writeScriptedWorkflow(place.dir);
    const config = JSON.parse(place.read("workflow.yaml"));
    config.tasks.push({ ...config.tasks[0], id: "T-2" });
    writeFileSync(place.path("workflow.yaml"), JSON.stringify(config));
    const result = place.holdfast(["run", "workflow.yaml", "--json"]);
    assert.equal(result.status, 0, result.stderr);
    assert.equal(
      result.stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line)).length,
      2,
    );
    assert.deepEqual(
      place
        .holdfast(["runs", "--json"])
        .stdout.trim()
        .split("\n")
        .map((line) => JSON.parse(line).task_id)
        .toSorted((a, b) => (a < b ? -1 : 1)),
      ["T-1", "T-2"],
    );
    assert.equal(place.holdfast(["verify"]).status, 0);
  });
});
