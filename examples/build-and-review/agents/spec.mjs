// Keeps the specification up to date: what the parser promises is what its tests are called.
import { readFileSync } from "node:fs";
import { artifact, pause, serve, writeFile } from "./protocol.mjs";

const PATH = "docs/SPEC.md";
const START = "<!-- durations: kept up to date by the spec maintainer -->";
const END = "<!-- end of durations -->";

function section(command) {
  const tests = readFileSync(command.inputs.tests ?? "tests/duration.test.mjs", "utf8");
  const promises = [...tests.matchAll(/^test\("([^"]+)"/gm)].map(([, name]) => `- \`parseDuration\` ${name}`);
  return [
    START,
    "",
    `${command.task_id}: ${command.inputs.goal}. In \`${command.inputs.module}\`:`,
    "",
    ...promises,
    "",
    END,
  ].join("\n");
}

await serve("spec_maintainer", {
  update_spec: async (command, answer) => {
    await pause();
    const old = readFileSync(PATH, "utf8");
    const before = old.includes(START) ? old.slice(0, old.indexOf(START)) : `${old.trimEnd()}\n\n`;
    const after = old.includes(END) ? old.slice(old.indexOf(END) + END.length) : "\n";
    const text = `${before}${section(command)}${after}`;
    if (text !== old) writeFile(PATH, text);
    await pause();
    const event = text === old ? "spec.no_changes_needed" : "spec.updated";
    answer(event, { status: "success", artifacts: [artifact(PATH)] });
  },
});
