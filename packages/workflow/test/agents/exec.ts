// What `holdfast agent exec` does: the command line comes as arguments.
import { createExecAgent } from "../../src/agent.ts";

const { reason } = await createExecAgent(process.argv.slice(2)).serve();
process.exit(reason === "end" ? 0 : 1);
