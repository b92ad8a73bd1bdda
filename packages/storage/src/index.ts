export { openSealed, type SealedDocument, sealDocument } from "./document-seal.ts";
export {
  StoreConflictError,
  StoreDamagedError,
  StoreError,
  type StoreErrorCode,
  type StoreErrorOptions,
  StoreFencedError,
  StoreHeldError,
} from "./errors.ts";
export { type FileStore, type FileStoreOptions, fileStore } from "./file-store.ts";
export type { CheckOptions, RepairOptions, StoreFinding, StoreFindingKind } from "./finding.ts";
export type { Json } from "./json.ts";
export { type JsonDraft, JsonList, JsonText } from "./json-draft.ts";
export { type MemoryStoreOptions, memoryStore } from "./memory-store.ts";
export type {
  Bytes,
  Claim,
  Compression,
  Documents,
  Fence,
  Filter,
  FindOptions,
  Holder,
  LogAppendOptions,
  LogItem,
  LogLine,
  Logs,
  Marks,
  Objects,
  Page,
  Place,
  SearchedLog,
  Store,
  Work,
} from "./store.ts";
export {
  type Clock,
  type ClockSources,
  createClock,
  formatTimestamp,
  parseTimestamp,
  systemClock,
  timestampSchema,
} from "./timestamp.ts";
