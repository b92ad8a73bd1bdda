export type { Causality, CausalityLevel, CausalityOptions } from "./causality.ts";
export { EventError, type EventErrorCode } from "./errors.ts";
export {
  type EventFactory,
  type EventFactoryOptions,
  eventFactory,
} from "./event-factory.ts";
export {
  checkEventFilter,
  type EventFilter,
  eventFilterSchema,
  MAX_EVENTS_PER_PAGE,
} from "./event-filter.ts";
export type { EventFinding, EventFindingKind } from "./event-finding.ts";
export { type EventIds, eventIds } from "./event-id.ts";
export type { EventInput } from "./event-input.ts";
export { type EventLog, type EventPage, eventLog } from "./event-log.ts";
export { type EventStream, type EventStreamStats, openEventStream } from "./event-stream.ts";
export { type EventSummary, eventSummaries } from "./event-summaries.ts";
export type { FollowOptions } from "./follow-events.ts";
export type { EventSelection } from "./select-events.ts";
export { readStreamEvent, type StoredEvent, storedEventSchema } from "./stored-event.ts";
export {
  type ActionEvent,
  actionEventSchema,
  type DecisionEvent,
  type DetailEvent,
  decisionEventSchema,
  detailEventSchema,
  type MilestoneEvent,
  milestoneEventSchema,
  type StateEvent,
  type StreamEvent,
  type SystemEvent,
  stateEventSchema,
  streamEventSchema,
  systemEventSchema,
} from "./stream-event.ts";
export type { EventStreamOptions } from "./stream-options.ts";
export {
  EVENT_TYPES,
  type EventType,
  eventTypeSchema,
  shouldLog,
  VERBOSITY_LEVELS,
  type VerbosityLevel,
  verbosityLevelSchema,
} from "./verbosity.ts";
export { type VerifyEventsOptions, verifyEvents } from "./verify-events.ts";
