export type { AgentContext, AgentHandler, EventDetails } from "./agent/agent-context.ts";
export { AgentFailure } from "./agent/agent-failure.ts";
export type { AgentIo, ServeAgentOptions, ServeResult } from "./agent/agent-io.ts";
export {
  type AgentScript,
  type AgentScriptInput,
  agentScriptSchema,
  loadAgentScript,
} from "./agent/agent-script.ts";
export { createExecAgent, type ExecAgentOptions } from "./agent/exec-agent.ts";
export {
  createMockAgent,
  type MockAgentOptions,
  type MockFailures,
  type ReadyAgent,
} from "./agent/mock-agent.ts";
export { serveAgent } from "./agent/serve-agent.ts";
