import { parseTimestamp } from "@holdfast/storage";
import { problemOf } from "./check-event.ts";
import { EventError } from "./errors.ts";
import type { EventIds } from "./event-id.ts";
import type { EventInput } from "./event-input.ts";
import type { EventTime } from "./event-time.ts";

/** What fills in the fields that a caller leaves out. */
export interface EventSources {
  readonly simulationId: string;
  readonly time: EventTime;
  readonly newId: EventIds;
}

/**
 * Makes the lines of one run's events: checks an event, gives it id and time, and writes it. What the caller does with the event
 * afterwards changes nothing.
 */
export class EventEncoder {
  readonly #sources: EventSources;
  readonly #run: string;
  /** Id of the event that was encoded last. */
  id = "";

  constructor(sources: EventSources) {
    this.#sources = sources;
    this.#run = JSON.stringify(sources.simulationId);
  }

  /** @throws {EventError} `EVENT_INVALID` */
  encode(given: EventInput): string {
    const wrong = problemOf(given as unknown as Readonly<Record<string, unknown>>);
    if (wrong !== undefined) throw invalid(given, wrong.path, wrong.message);
    const event = given.caused_by?.includes(undefined) === true ? withKnownCauses(given) : given;
    if ("event_id" in event || "timestamp" in event || "simulation_id" in event) {
      const filled = withGiven(event, this.#sources);
      this.id = filled.event_id;
      return jsonOf(filled);
    }
    const { text: timestamp, ms } = this.#sources.time();
    this.id = this.#sources.newId(ms);
    // Neither id nor time needs an escape: put before the rest, they cost no second object.
    return `{"event_id":"${this.id}","timestamp":"${timestamp}","simulation_id":${this.#run},${jsonOf(event).slice(1)}`;
  }
}

function withKnownCauses({ caused_by = [], ...event }: EventInput): EventInput {
  const causes = caused_by.filter((id) => id !== undefined);
  return causes.length === 0 ? event : { ...event, caused_by: causes };
}

function withGiven(
  event: EventInput,
  { simulationId, time, newId }: EventSources,
): EventInput & { readonly event_id: string; readonly timestamp: string } {
  const moment = time();
  const {
    event_id = newId(moment.ms),
    timestamp = moment.text,
    simulation_id = simulationId,
    ...rest
  } = event;
  try {
    parseTimestamp(timestamp);
  } catch (error) {
    throw invalid(
      event,
      "timestamp",
      "must be an RFC 3339 timestamp such as 2026-01-02T03:04:05.123456Z",
      error,
    );
  }
  return { event_id, timestamp, simulation_id, ...rest };
}

function jsonOf(event: EventInput): string {
  try {
    return JSON.stringify(event);
  } catch (error) {
    throw invalid(event, "details", `is no JSON (${(error as Error).message})`, error);
  }
}

function invalid(event: EventInput, path: string, message: string, cause?: unknown): EventError {
  const type = String((event as { event_type?: unknown }).event_type);
  return new EventError("EVENT_INVALID", `Cannot take the ${type} event: "${path}" ${message}`, {
    path,
    cause,
  });
}
