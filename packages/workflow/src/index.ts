export type { Environment } from "./config/environment.ts";
export {
  loadAgentsConfig,
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
export type { StepOutcome } from "./job/answer.ts";
export { type CreateJobOptions, configureJob, createJob, type JobConfigOptions } from "./job/create-job.ts";
export { jobConfigSchema } from "./job/job-config.ts";
export { type JobRequest, jobRequestSchema } from "./job/job-request.ts";
export { isStepBegun } from "./job/job-story.ts";
export { type JobRunResult, type RunJobOptions, runJob } from "./job/run-job.ts";
export { type JobSteering, type SteerJobOptions, steerJob } from "./job/steer-job.ts";
export { type JobStepResult, restepJob, type StepJobOptions, stepJob } from "./job/step-job.ts";
export { configOfRun } from "./run/config-snapshot.ts";
export { describeRun, type RunDescription } from "./run/describe-run.ts";
export { runStorySchema } from "./run/kept-story.ts";
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
