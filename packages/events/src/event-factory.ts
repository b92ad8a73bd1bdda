import type { Clock } from "@holdfast/storage";
import { EventEncoder } from "./encode-event.ts";
import { type EventIds, eventIds } from "./event-id.ts";
import type { EventInput } from "./event-input.ts";
import { eventTime } from "./event-time.ts";
import type {
  ActionEvent,
  DecisionEvent,
  DetailEvent,
  MilestoneEvent,
  StateEvent,
  StreamEvent,
  SystemEvent,
} from "./stream-event.ts";

/** Options of {@link eventFactory}. */
export interface EventFactoryOptions {
  /** Run the events belong to. */
  readonly simulationId: string;
  /** Microseconds since 1970. Default: the clock of the process. */
  readonly clock?: Clock;
  /** Gives the id of an event from its time in milliseconds. Default: `eventIds()`. */
  readonly newId?: EventIds;
}

type Known<Details> = { readonly [Key in keyof Details as string extends Key ? never : Key]: Details[Key] };

interface Common {
  readonly turn_number: number;
  readonly caused_by?: readonly (string | undefined)[];
  readonly description?: string;
  /** More than the fields of the kind. */
  readonly details?: Readonly<Record<string, unknown>>;
}

interface Somebody {
  readonly agent_id: string;
}
interface Anybody {
  readonly agent_id?: string;
}

/** Builds events: each function takes the fields of its kind, flat, and gives the whole event with id and time. */
export interface EventFactory {
  milestone(fields: Common & Known<MilestoneEvent["details"]>): MilestoneEvent;
  decision(fields: Common & Somebody & Known<DecisionEvent["details"]>): DecisionEvent;
  action(fields: Common & Somebody & Known<ActionEvent["details"]>): ActionEvent;
  state(fields: Common & Anybody & Known<StateEvent["details"]>): StateEvent;
  detail(fields: Common & Anybody & Known<DetailEvent["details"]>): DetailEvent;
  system(fields: Common & Known<SystemEvent["details"]>): SystemEvent;
}

const BASE = new Set(["turn_number", "agent_id", "caused_by", "description", "details"]);

/**
 * Makes the builders of a run's events. `stream.emit()` takes what they build, and keeps its id and time; so an event can name
 * another one as its cause before either is emitted.
 *
 * @throws {EventError} `EVENT_INVALID`, from each builder, for fields that make no event.
 */
export function eventFactory(options: EventFactoryOptions): EventFactory {
  const { simulationId, clock, newId = eventIds() } = options;
  const encoder = new EventEncoder({ simulationId, time: eventTime(clock), newId });
  const build =
    (event_type: StreamEvent["event_type"]) =>
    (fields: Common): never => {
      const details: Record<string, unknown> = { ...fields.details };
      const event: Record<string, unknown> = { event_type, details };
      for (const [field, value] of Object.entries(fields)) {
        if (value !== undefined && field !== "details") (BASE.has(field) ? event : details)[field] = value;
      }
      // What is built is what a reader of its line gets, and nothing of it is shared with the caller.
      return JSON.parse(encoder.encode(event as unknown as EventInput)) as never;
    };
  return {
    milestone: build("MILESTONE"),
    decision: build("DECISION"),
    action: build("ACTION"),
    state: build("STATE"),
    detail: build("DETAIL"),
    system: build("SYSTEM"),
  };
}
