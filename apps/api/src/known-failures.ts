import { type ProblemCode, ProblemError } from "./errors.ts";

/** What the codes of the packages mean to a client, in order: the first that fits counts. */
const MEANINGS: ReadonlyArray<readonly [RegExp, ProblemCode, string]> = [
  [/^STORE_KEY$|_(?:NOT_FOUND|MISSING)$/, "NOT_FOUND", "Not found: there is nothing of that id"],
  [
    /_(?:NEWER|NEWER_FORMAT|NEWER_VERSION)$/,
    "RECORD_NEWER_FORMAT",
    "The record was written by a newer version; update this server",
  ],
  [
    /_(?:DAMAGED|NOT_JSON|SCHEMA|CHECKSUM|CONTENT|STATE|TURN|TYPE)$/,
    "RECORD_DAMAGED",
    "The record is damaged and cannot be read back; run holdfast verify where this server runs",
  ],
  [
    /^STORE_|_(?:IO|UNREADABLE|FAILED)$/,
    "STORE_UNAVAILABLE",
    "The store cannot be read now; this server's log says why, and holdfast doctor looks into it",
  ],
];

/**
 * What a client is told of an error. Messages of the packages name paths of this machine: none of them is passed on, only the code.
 */
export function asProblem(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  const code = codeOf(error);
  for (const [pattern, problem, message] of code === undefined ? [] : MEANINGS) {
    if (pattern.test(code ?? ""))
      return new ProblemError(problem, message, { details: { code }, cause: error });
  }
  return new ProblemError("INTERNAL_ERROR", "The server failed to answer; its log says why", {
    cause: error,
  });
}

/** The stable code of an error of one of the packages. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return undefined;
  return /^[A-Z]+_[A-Z_]+$/.test(error.code) && !error.code.startsWith("ERR_") ? error.code : undefined;
}
