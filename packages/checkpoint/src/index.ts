export { applyPatch } from "./apply-patch.ts";
export {
  type Checkpoint,
  type CheckpointHead,
  type CheckpointType,
  checkpointHeadSchema,
  checkpointSchema,
  checkpointTypeSchema,
  type SimulationState,
} from "./checkpoint.ts";
export {
  type CheckpointEntry,
  CheckpointManager,
  type CheckpointManagerOptions,
  type LoadedCheckpoint,
  type SavedCheckpoint,
} from "./checkpoint-manager.ts";
export { diffStates } from "./diff-states.ts";
export {
  CheckpointError,
  type CheckpointErrorCode,
  CheckpointLoadError,
  type CheckpointLoadErrorCode,
  CheckpointSaveError,
  type CheckpointSaveErrorCode,
  JsonPatchError,
  type JsonPatchErrorCode,
  RunIDCollisionError,
} from "./errors.ts";
export type { JsonPatch, JsonPatchOperation } from "./json-patch.ts";
export {
  type NewSimulationResults,
  type RunMetadata,
  runMetadataSchema,
  type SimulationResults,
  simulationResultsSchema,
} from "./results.ts";
export {
  MAX_RUN_NAME_LENGTH,
  nameInRunId,
  RunIdGenerator,
  type RunIdGeneratorOptions,
  type RunIdParts,
  runIdGenerator,
} from "./run-id.ts";
export { stateChecksum } from "./state-text.ts";
export { type CheckpointFinding, verifyCheckpoints } from "./verify-checkpoints.ts";
