export type { AgentContext, AgentHandler, EventDetails } from "./agent/agent-context.ts";
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
export {
  AgentFailure,
  type AgentIo,
  type ServeAgentOptions,
  type ServeResult,
  serveAgent,
} from "./agent/serve-agent.ts";
