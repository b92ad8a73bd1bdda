export type { Environment } from "./config/environment.ts";
export {
  loadWorkflowConfig,
  type ParseConfigOptions,
  parseWorkflowConfig,
  type WorkflowConfigInput,
} from "./config/load-config.ts";
export {
  type AgentConfig,
  type FlowConfig,
  type TaskConfig,
  type WorkflowConfig,
  type WorkflowPolicy,
  workflowConfigSchema,
} from "./config/schema.ts";
export {
  ConfigError,
  type ConfigErrorCode,
  type ConfigIssue,
  WorkflowError,
  type WorkflowErrorCode,
} from "./errors.ts";
export {
  defaultFlow,
  type Flow,
  type FlowEvent,
  type FlowStage,
  type FlowTarget,
  flowEvents,
  flowOf,
  nextTarget,
} from "./flow/flow.ts";
