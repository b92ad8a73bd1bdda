export { claimRun, RUNS_QUEUE } from "./claim-run.ts";
export {
  JobError,
  type JobErrorCode,
  JobHeldError,
  JobStateError,
  ReceiptError,
  type ReceiptErrorCode,
  RunError,
  type RunErrorCode,
  RunHeldError,
  TaskStoreError,
  type TaskStoreErrorCode,
} from "./errors.ts";
export {
  type JobAction,
  type JobHistoryEntry,
  type JobManifest,
  type JobPhase,
  type JobStatus,
  jobActionSchema,
  jobHistoryEntrySchema,
  jobIdSchema,
  jobManifestSchema,
  jobPhaseSchema,
  jobStatusSchema,
} from "./job.ts";
export { type JobIdOptions, newJobId } from "./job-id.ts";
export { JOBS_QUEUE } from "./job-key.ts";
export {
  type AgentsTurn,
  currentStateAndRole,
  type JobPosition,
  nextPhase,
  type PersonsTurn,
} from "./job-phases.ts";
export { type JobStoreOptions, jobStore } from "./job-store.ts";
export {
  allowedActions,
  JOB_ENDS,
  JOB_TRANSITIONS,
  type JobRole,
  type JobTransition,
  jobTransition,
} from "./job-transitions.ts";
export type {
  JobChange,
  JobEventOptions,
  JobStore,
  JobWriteOptions,
  ListJobsOptions,
  NewJob,
} from "./jobs.ts";
export { type Receipt, type ReceiptInput, receiptSchema, taskIdSchema } from "./receipt.ts";
export {
  type ListReceiptsOptions,
  listReceipts,
  type RecordReceiptOptions,
  recordReceipt,
} from "./record-receipt.ts";
export { type WorkflowRunIdOptions, workflowRunId } from "./run-id.ts";
export {
  type RunKind,
  type RunState,
  type RunStatus,
  runIdSchema,
  runKindSchema,
  runStateSchema,
  runStatusSchema,
} from "./run-state.ts";
export { type RunStoreOptions, runStore } from "./run-store.ts";
export { RUN_TRANSITIONS } from "./run-transitions.ts";
export type {
  ListRunsOptions,
  NewRun,
  RunChange,
  RunPage,
  RunStore,
  RunUpdateOptions,
  RunWriteOptions,
} from "./runs.ts";
export {
  type Task,
  type TaskLifecycle,
  type TaskMetadata,
  type TaskStatus,
  taskLifecycleSchema,
  taskMetadataSchema,
  taskSchema,
  taskStatusSchema,
} from "./task.ts";
export { DEFAULT_PROJECT, isProjectName, projectOf } from "./task-key.ts";
export { taskStore } from "./task-store.ts";
export type { TaskErrorCode, TaskFailure, TaskResult, TaskStore } from "./tasks.ts";
export { verifyJob, verifyJobs, type WorkFinding } from "./verify-jobs.ts";
export {
  type FileContent,
  type ReceiptFinding,
  type VerifyReceiptOptions,
  verifyReceipt,
  verifyReceipts,
} from "./verify-receipt.ts";
export { verifyTasks } from "./verify-tasks.ts";
