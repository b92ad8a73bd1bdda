import type {
  ActionEvent,
  DecisionEvent,
  DetailEvent,
  MilestoneEvent,
  StateEvent,
  SystemEvent,
} from "./stream-event.ts";

/** What a stream fills in where it is left out. */
type Filled = "event_id" | "timestamp" | "simulation_id";

type Input<Event extends { readonly event_type: string; readonly details: unknown }> = {
  readonly event_type: Event["event_type"];
  readonly turn_number: number;
  /** Ids of events, as `emit()` returned them; those of events that were not kept (`undefined`) are left out. */
  readonly caused_by?: readonly (string | undefined)[] | undefined;
  readonly description?: string | undefined;
  readonly details: Readonly<Event["details"]>;
} & { readonly [field in Filled]?: string | undefined };

/** No agent. */
interface Nobody {
  readonly agent_id?: undefined;
}
/** An agent. */
interface Somebody {
  readonly agent_id: string;
}
/** An agent or none. */
interface Anybody {
  readonly agent_id?: string | undefined;
}

/** An event to emit: id, time and run are filled in. Those that are given (by a builder) are kept. */
export type EventInput =
  | (Input<MilestoneEvent> & Nobody)
  | (Input<DecisionEvent> & Somebody)
  | (Input<ActionEvent> & Somebody)
  | (Input<StateEvent> & Anybody)
  | (Input<DetailEvent> & Anybody)
  | (Input<SystemEvent> & Nobody);
