// A mock agent in a process of its own: its options come as JSON in the first argument.
import { createMockAgent } from "../../src/agent.ts";

const { reason } = await createMockAgent({ type: "builder", ...JSON.parse(process.argv[2] ?? "{}") }).serve();
process.exit(reason === "end" ? 0 : 1);
