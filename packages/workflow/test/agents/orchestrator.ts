// A supervisor in a process of its own, to be killed: prints what it records.
import { TERMINAL_EVENTS } from "@holdfast/ledger";
import { agentSupervisor } from "../../src/index.ts";

const [runId = "", cmd = "[]", heartbeatSeconds] = process.argv.slice(2);
const beats = heartbeatSeconds === undefined ? {} : { heartbeat_interval_s: Number(heartbeatSeconds) };
process.once("SIGUSR2", () => process.exit(3));
const supervisor = agentSupervisor({
  runId,
  agents: { builder: { cmd: JSON.parse(cmd), ...beats } },
  workspace: process.cwd(),
  configDir: process.cwd(),
  terminalEvents: new Set(TERMINAL_EVENTS),
  record: async (message) => {
    process.stdout.write(`${JSON.stringify(message)}\n`);
  },
});
const outcome = await supervisor.execute("builder", {
  kind: "command",
  message_id: "m",
  correlation_id: "c",
  task_id: "T-1",
  idempotency_key: `ik:${"0".repeat(64)}`,
  to: { agent_type: "builder" },
  action: "implement",
  inputs: {},
  expected_outputs: [],
  version: { snapshot_id: "snap-000000000000" },
  deadline: "2026-01-02T03:04:05.000000Z",
  retry: { attempt: 0, max_attempts: 1 },
  priority: 0,
});
await supervisor.close();
process.stdout.write(`${JSON.stringify({ outcome: outcome.kind })}\n`);
