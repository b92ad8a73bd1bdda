/**
 * What can go wrong with events.
 *
 * - `EVENT_INVALID`: not an event, or not JSON. Nothing was queued.
 * - `EVENT_TOO_LARGE`: its line is longer than the store takes. Nothing was queued.
 * - `EVENT_QUEUE_FULL`: a stream that waits was given far more than its queue holds without waiting. The event was not taken.
 * - `EVENT_WRITE_FAILED`: the store refused a write. The stream takes nothing more; what was waiting counts as dropped.
 * - `EVENT_STREAM_CLOSED`: the stream was used after `close()`.
 * - `EVENT_FILTER`: not a filter.
 * - `EVENT_NOT_FOUND`: there is no event of that id to go on after.
 */
export type EventErrorCode =
  | "EVENT_INVALID"
  | "EVENT_TOO_LARGE"
  | "EVENT_QUEUE_FULL"
  | "EVENT_WRITE_FAILED"
  | "EVENT_STREAM_CLOSED"
  | "EVENT_FILTER"
  | "EVENT_NOT_FOUND";

/** The error of this package; match on `code`. */
export class EventError extends Error {
  override readonly name: string = "EventError";
  readonly code: EventErrorCode;
  /** Where: the place of the stream, or the field of an event or a filter. */
  readonly path: string;

  constructor(
    code: EventErrorCode,
    message: string,
    options: { readonly path: string; readonly cause?: unknown },
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.path = options.path;
  }
}
