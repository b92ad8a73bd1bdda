// `holdfast agent exec [--completed EVENT] -- CMD...`, as much of it as an example needs.
import { parseArgs } from "node:util";
import { createExecAgent } from "../../src/agent.ts";

const { values, positionals } = parseArgs({
  options: { completed: { type: "string" } },
  allowPositionals: true,
});
const [group, verb, ...command] = positionals;
if (group !== "agent" || verb !== "exec") process.exit(2);
const { completed } = values;
const { reason } = await createExecAgent(command, completed === undefined ? {} : { completed }).serve();
process.exit(reason === "end" ? 0 : 1);
