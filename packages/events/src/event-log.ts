import type { Store } from "@holdfast/storage";
import { type Causality, type CausalityOptions, traceCausality } from "./causality.ts";
import { checkEventFilter, type EventFilter, markFilter } from "./event-filter.ts";
import { countEvents, EVERY_EVENT, eventsIn, findEvents, findPage } from "./find-events.ts";
import { type FollowOptions, followEvents } from "./follow-events.ts";
import { type EventSelection, selectEvents } from "./select-events.ts";
import type { StoredEvent } from "./stored-event.ts";

/** A page of a search. */
export interface EventPage {
  /** In order of time, then of id. */
  readonly events: readonly StoredEvent[];
  /** How many events match, on all pages. */
  readonly total: number;
  readonly has_more: boolean;
  /** Gives the next page; there when there is one. */
  readonly next_cursor?: string;
  /** Lines of the stream that are no events, and are in no answer. */
  readonly corrupt_lines: number;
}

/** Reads the stream of one run: all of its files together, also while somebody writes. */
export interface EventLog {
  /** A page of the events that a filter asks for, and how many there are. @throws {EventError} `EVENT_FILTER` */
  query(filter?: EventFilter, options?: { readonly signal?: AbortSignal }): Promise<EventPage>;
  /**
   * All events that a filter asks for, in order, read as they are wanted; `limit` and `offset` count over all of them.
   *
   * @throws {EventError} `EVENT_FILTER`
   */
  select(filter?: EventSelection, options?: { readonly signal?: AbortSignal }): AsyncIterable<StoredEvent>;
  /** How many events a filter asks for; its page does not matter. @throws {EventError} `EVENT_FILTER` */
  count(
    filter?: EventFilter,
    options?: { readonly signal?: AbortSignal },
  ): Promise<Pick<EventPage, "total" | "corrupt_lines">>;
  /** The event of an id; of several (a damaged stream), the first in order. */
  get(eventId: string): Promise<StoredEvent | undefined>;
  /** What led to an event and what came of it, by levels; `undefined` when there is no such event. */
  causality(eventId: string, options?: CausalityOptions): Promise<Causality | undefined>;
  /**
   * The events as they are appended, across rotations, until the signal aborts. In order of their place in the stream.
   *
   * @throws {EventError} `EVENT_FILTER`, `EVENT_NOT_FOUND` when there is no event to go on after.
   */
  follow(filter?: EventFilter, options?: FollowOptions): AsyncIterable<StoredEvent>;
}

/** Reads the stream of a run; one without events has an empty one. */
export function eventLog(store: Store, runId: string): EventLog {
  return {
    async query(given = {}, options = {}) {
      const filter = checkEventFilter(given);
      const { limit, offset, cursor, newest_first } = filter;
      const marks = { ...EVERY_EVENT, ...markFilter(filter) };
      const [page, counted] = await Promise.all([
        findPage(store, runId, marks, {
          limit,
          ...(offset !== undefined && { offset }),
          ...(cursor !== undefined && { cursor }),
          ...(newest_first !== undefined && { newestFirst: newest_first }),
          ...options,
        }),
        countEvents(store, runId, marks, options),
      ]);
      return {
        events: eventsIn(page.items, runId),
        total: counted.total,
        has_more: page.cursor !== undefined,
        ...(page.cursor !== undefined && { next_cursor: page.cursor }),
        corrupt_lines: counted.corrupt_lines,
      };
    },
    select: (given, options) => selectEvents(store, runId, given, options),
    async count(given = {}, options = {}) {
      const marks = { ...EVERY_EVENT, ...markFilter(checkEventFilter(given)) };
      return countEvents(store, runId, marks, options);
    },
    async get(eventId) {
      const [event] = await findEvents(store, runId, { ids: [eventId] }, { limit: 1 });
      return event;
    },
    causality: (eventId, options) => traceCausality(store, runId, eventId, options),
    follow: (filter, options) => followEvents(store, runId, filter, options),
  };
}
