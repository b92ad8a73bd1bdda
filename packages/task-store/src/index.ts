export { type Receipt, type ReceiptInput, receiptSchema, taskIdSchema } from "./receipt.ts";
export {
  type RunKind,
  type RunState,
  type RunStatus,
  runIdSchema,
  runKindSchema,
  runStateSchema,
  runStatusSchema,
} from "./run-state.ts";
