import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, it } from "vitest";
import { Place } from "./support/command.ts";
import { hasPython, recompute } from "./support/invariants.ts";
import { writeScriptedWorkflow } from "./support/scripted-workflow.ts";

const AGENTS_GUIDE = fileURLToPath(new URL("../../../docs/agents.md", import.meta.url));

describe.skipIf(!hasPython())("a program that shares no code with us (python3)", () => {
  it("recomputes the chain, keys, snapshot ids and receipts of a run", () => {
    using place = new Place("independent");
    writeScriptedWorkflow(place.dir);
    assert.equal(place.holdfast(["run", "workflow.yaml"]).status, 0);
    const found = recompute(place);
    assert.deepEqual(found.problems, []);
    assert.equal(found.status, "completed");
    assert.equal(found.receipts, 5);
    assert.equal(found.artifacts, 3);
    assert.ok(found.lines >= 10);
  });

  it("agrees after inputs with numbers, Unicode and nesting", () => {
    using place = new Place("independent");
    writeScriptedWorkflow(place.dir);
    const config = JSON.parse(place.read("workflow.yaml"));
    config.tasks[0].inputs = {
      "\u20ac": 1e21,
      "\u{1f600}": [0.1, -0, 1e-7, 5e-324, 1e30],
      "\ufb33": { "\u0080": null, z: '\u2028\\"\b' },
    };
    writeFileSync(place.path("workflow.yaml"), JSON.stringify(config));
    assert.equal(place.holdfast(["run", "workflow.yaml"]).status, 0);
    assert.deepEqual(recompute(place).problems, []);
  });

  it("is an agent when it is the one printed in docs/agents.md", () => {
    using place = new Place("python-agent");
    const program = /```python\n([\s\S]*?)```/.exec(readFileSync(AGENTS_GUIDE, "utf8"))?.[1] ?? "";
    assert.ok(program.includes("builder.completed"));
    mkdirSync(place.path("src"));
    writeFileSync(place.path("agent.py"), program);
    const config = {
      name: "python",
      agents: { builder: { cmd: ["python3", "agent.py"] } },
      tasks: [{ id: "T-1", goal: "Say hello" }],
    };
    writeFileSync(place.path("workflow.yaml"), JSON.stringify(config));
    const ran = place.holdfast(["run", "workflow.yaml"]);
    assert.equal(ran.status, 0, ran.stderr);
    assert.equal(place.read("src", "hello.txt"), "Say hello\n");
    assert.deepEqual(recompute(place).problems, []);
  });
});
