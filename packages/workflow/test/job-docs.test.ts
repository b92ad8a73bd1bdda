import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { JOB_TRANSITIONS, jobStatusSchema } from "@holdfast/task-store";
import { describe, it } from "vitest";

const ENDS = ["SUCCESS", "CANCELED"];

/** The table's rows by what they lead from: those that lead out of almost every state are told in words. */
function diagram(): string {
  const moves = JOB_TRANSITIONS.filter(({ from }) => from.length < 4).flatMap(({ from, action, to }) =>
    from.map((state) => `  ${state} --> ${to}: ${action}`),
  );
  const lines = ["  [*] --> DRAFT", ...moves, ...ENDS.map((state) => `  ${state} --> [*]`)];
  return ["```mermaid", "stateDiagram-v2", ...lines, "```"].join("\n");
}

function table(): string {
  const all = jobStatusSchema.options;
  const rows = JOB_TRANSITIONS.map(({ from, action, by, to }) => {
    const where = from.length === all.length - ENDS.length ? "any that is not an end" : from.join(", ");
    return `| ${where} | \`${action}\` | ${by} | ${to} |`;
  });
  return ["| from | on | by | to |", "| --- | --- | --- | --- |", ...rows].join("\n");
}

describe("docs/jobs.md", () => {
  it("has the states and moves of JOB_TRANSITIONS", () => {
    const text = readFileSync(new URL("../../../docs/jobs.md", import.meta.url), "utf8");
    const block = text.split("<!-- transitions -->\n")[1]?.split("<!-- /transitions -->")[0];
    const words =
      "`suspend` and `cancel`, from any state that is not an end, are left out of the picture; `resume` leads from SUSPENDED to PENDING.";
    assert.equal(block, `${diagram()}\n\n${words}\n\n${table()}\n`);
  });
});
