export { claimRun, RUNS_QUEUE } from "./claim-run.ts";
export {
  ReceiptError,
  type ReceiptErrorCode,
  RunError,
  type RunErrorCode,
  RunHeldError,
  TaskStoreError,
  type TaskStoreErrorCode,
} from "./errors.ts";
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
  type FileContent,
  type ReceiptFinding,
  type VerifyReceiptOptions,
  verifyReceipt,
  verifyReceipts,
} from "./verify-receipt.ts";
