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
export { WorkflowError, type WorkflowErrorCode } from "./errors.ts";
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
export { configOfRun } from "./run/config-snapshot.ts";
export { describeRun, type RunDescription } from "./run/describe-run.ts";
export type { ResumeWorkflowOptions, RunOptions, RunWorkflowOptions } from "./run/options.ts";
export type {
  RunProgressNote,
  StepDescription,
  StepStatus,
  WorkflowMessage,
  WorkflowResult,
} from "./run/result.ts";
export { resumeWorkflow } from "./run/resume-workflow.ts";
export type { RunFinding, RunFindingKind } from "./run/run-finding.ts";
export { runWorkflow } from "./run/run-workflow.ts";
export { type VerifyRunOptions, verifyRun } from "./run/verify-run.ts";
export type { AgentSpec, ExecuteOptions } from "./supervisor/agent-spec.ts";
export type { AgentFailureCode, Outcome } from "./supervisor/outcome.ts";
export { createRedactor, type Redactor, type RedactorOptions } from "./supervisor/redactor.ts";
export { type AgentSupervisor, agentSupervisor, type SupervisorOptions } from "./supervisor/supervisor.ts";
