import type { ProblemError } from "./errors.ts";
import { PROBLEM_TYPE, problemOf } from "./problem.ts";

/** An answer before it is written: a whole text, a stream, or nothing but headers. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | ReadableStream<Uint8Array> | undefined;
}

/** On every answer: nothing is kept by caches, guessed at, framed, or read by pages of other sites. */
export const COMMON_HEADERS: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/** A value as JSON. */
export function jsonReply(value: unknown, headers: Readonly<Record<string, string>> = {}): Reply {
  return {
    status: 200,
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(value),
  };
}

/** An error as a problem document. */
export function problemReply(error: ProblemError): Reply {
  const problem = problemOf(error);
  return {
    status: problem.status,
    headers: { ...error.headers, "content-type": PROBLEM_TYPE },
    body: JSON.stringify(problem),
  };
}

/** The reply to a HEAD request: the same headers, with the length the body would have. */
export function withoutBody(reply: Reply): Reply {
  if (typeof reply.body !== "string") return { ...reply, body: undefined };
  const length = String(Buffer.byteLength(reply.body));
  return { ...reply, headers: { ...reply.headers, "content-length": length }, body: undefined };
}

/** The reply as the platform's response. */
export function toResponse(reply: Reply): Response {
  return new Response(reply.body ?? null, { status: reply.status, headers: { ...reply.headers } });
}
