// Writes the parser. Its first version forgets something on purpose: the reviewer finds it, and it is put right.
import { artifact, pause, serve, writeFile } from "./protocol.mjs";

const PARTS = ["years", "months", "days", "hours", "minutes", "seconds"];
const FIRST = {
  parts: PARTS,
  pattern: "^P(?:(\\d+)Y)?(?:(\\d+)M)?(?:(\\d+)D)?(?:T(?:(\\d+)H)?(?:(\\d+)M)?(?:(\\d+)S)?)?$",
};
const WITH_WEEKS_AND_NOTHING_EMPTY = {
  parts: ["weeks", ...PARTS],
  pattern:
    "^P(?=[\\dT])(?:(\\d+)W|(?:(\\d+)Y)?(?:(\\d+)M)?(?:(\\d+)D)?(?:T(?=\\d)(?:(\\d+)H)?(?:(\\d+)M)?(?:(\\d+)S)?)?)$",
};

const source = ({ parts, pattern }) => `// Durations as in RFC 3339, appendix A: P3Y6M4DT12H30M5S.
const PATTERN = /${pattern}/;
const PARTS = ${JSON.stringify(parts)};

/** Reads a duration into its parts; those that are not named are 0. */
export function parseDuration(text) {
  const match = PATTERN.exec(text);
  if (match === null) throw new RangeError(\`Not a duration: "\${text}"\`);
  return Object.fromEntries(PARTS.map((part, index) => [part, Number(match[index + 1] ?? 0)]));
}
`;

async function build(command, answer, version, summary) {
  const path = command.inputs.module ?? "src/duration.mjs";
  answer("builder.progress", { payload: { doing: summary } });
  await pause();
  writeFile(path, source(version));
  await pause();
  answer("builder.completed", { status: "success", payload: { summary }, artifacts: [artifact(path)] });
}

await serve("builder", {
  implement: (command, answer) => build(command, answer, FIRST, "Wrote a parser of dates and times"),
  implement_changes: (command, answer) => {
    const failed = (command.inputs.feedback?.failed ?? []).map(({ name }) => name).join("; ");
    return build(command, answer, WITH_WEEKS_AND_NOTHING_EMPTY, `Put right: ${failed}`);
  },
});
