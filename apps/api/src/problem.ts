import * as z from "zod";
import type { ProblemCode, ProblemError } from "./errors.ts";

/** Status and title of each problem. */
export const PROBLEMS: Readonly<Record<ProblemCode, { readonly status: number; readonly title: string }>> = {
  INVALID_REQUEST: { status: 400, title: "Invalid request" },
  UNAUTHORIZED: { status: 401, title: "Unauthorized" },
  FORBIDDEN_ORIGIN: { status: 403, title: "Origin not allowed" },
  NOT_FOUND: { status: 404, title: "Not found" },
  METHOD_NOT_ALLOWED: { status: 405, title: "Method not allowed" },
  REQUEST_TIMEOUT: { status: 408, title: "Request timeout" },
  URI_TOO_LONG: { status: 414, title: "URI too long" },
  EXPECTATION_FAILED: { status: 417, title: "Expectation failed" },
  MISDIRECTED_REQUEST: { status: 421, title: "Misdirected request" },
  HEADERS_TOO_LARGE: { status: 431, title: "Request header fields too large" },
  INTERNAL_ERROR: { status: 500, title: "Internal error" },
  RECORD_DAMAGED: { status: 500, title: "Record damaged" },
  RECORD_NEWER_FORMAT: { status: 500, title: "Record of a newer format" },
  STORE_UNAVAILABLE: { status: 503, title: "Store unavailable" },
  TOO_MANY_TAILS: { status: 503, title: "Too many live tails" },
};

/** Media type of every error. */
export const PROBLEM_TYPE = "application/problem+json";

const CODES = [
  "INVALID_REQUEST",
  "UNAUTHORIZED",
  "FORBIDDEN_ORIGIN",
  "NOT_FOUND",
  "METHOD_NOT_ALLOWED",
  "REQUEST_TIMEOUT",
  "URI_TOO_LONG",
  "EXPECTATION_FAILED",
  "MISDIRECTED_REQUEST",
  "HEADERS_TOO_LARGE",
  "INTERNAL_ERROR",
  "RECORD_DAMAGED",
  "RECORD_NEWER_FORMAT",
  "STORE_UNAVAILABLE",
  "TOO_MANY_TAILS",
] as const satisfies readonly ProblemCode[];

/**
 * A problem document.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc9457.html | RFC 9457: Problem Details for HTTP APIs}
 */
export const problemSchema = z.object({
  type: z.string().describe("URN of the kind of problem, made from its code"),
  title: z.string().describe("The kind of problem, for people; the same for every problem of the kind"),
  status: z.int().min(400).max(599).describe("Status of the answer"),
  detail: z.string().describe("What is wrong with this request, and what to do"),
  code: z.enum(CODES).describe("The kind of problem, for programs"),
  message: z.string().describe("The same as detail"),
  details: z.record(z.string(), z.unknown()).describe("What else a program may want to know"),
});
/** A problem document. */
export type Problem = z.output<typeof problemSchema>;

/** The document for an error. */
export function problemOf(error: Pick<ProblemError, "code" | "message" | "details">): Problem {
  const { status, title } = PROBLEMS[error.code];
  return {
    type: `urn:holdfast:problem:${error.code.toLowerCase().replaceAll("_", "-")}`,
    title,
    status,
    detail: error.message,
    code: error.code,
    message: error.message,
    details: error.details,
  };
}
