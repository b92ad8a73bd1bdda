import { messageOf } from "../unknown-value.ts";

/** A failure whose code goes into the `error` event. */
export class AgentFailure extends Error {
  override readonly name: string = "AgentFailure";
  readonly code: string;
  /** More for the event's payload. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, details: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.code = code;
    this.details = details;
  }
}

/** What the `error` event says of whatever a handler threw. */
export function failurePayload(error: unknown): Record<string, unknown> {
  if (error instanceof AgentFailure) return { code: error.code, message: error.message, ...error.details };
  return { code: "HANDLER_FAILED", message: messageOf(error).slice(0, 4_096).toWellFormed() };
}
