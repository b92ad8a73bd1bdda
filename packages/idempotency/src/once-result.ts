import { canonicalJson } from "./canonical-json.ts";
import { CanonicalJsonError, IdempotencyError, type RecordedFailure } from "./errors.ts";

/** What says whether a value is what it should be: a zod schema, or anything with the same `safeParse`. */
export interface ResultSchema<T> {
  safeParse(
    value: unknown,
  ): { readonly success: true; readonly data: T } | { readonly success: false; readonly error: unknown };
}

/**
 * The text of a result, from which everybody gets a copy of their own; `undefined` for work that gives nothing.
 *
 * @throws {IdempotencyError} `ONCE_RESULT` when it is not plain JSON.
 */
export function resultText(key: string, result: unknown): string | undefined {
  if (result === undefined) return undefined;
  try {
    return canonicalJson(result, { root: "result" });
  } catch (error) {
    if (!(error instanceof CanonicalJsonError)) throw error;
    throw resultError(key, error.message, error);
  }
}

/** The error for a result that cannot be recorded. */
export function resultError(key: string, fault: string, cause: unknown): IdempotencyError {
  return new IdempotencyError("ONCE_RESULT", `Cannot record the result of "${key}": ${fault}`, { cause });
}

/**
 * The result that a text holds, checked by a schema where there is one.
 *
 * @throws {IdempotencyError} `ONCE_SCHEMA`, with the schema's error as `cause`.
 */
export function resultOf<T>(key: string, text: string | undefined, schema: ResultSchema<T> | undefined): T {
  const value = text === undefined ? undefined : JSON.parse(text);
  if (schema === undefined) return value;
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const why = parsed.error instanceof Error ? parsed.error.message : String(parsed.error);
  throw new IdempotencyError(
    "ONCE_SCHEMA",
    `Cannot use the result of "${key}": it is not what its schema asks for (${why})`,
    {
      cause: parsed.error,
    },
  );
}

/** What is kept of an error. */
export function failureOf(error: unknown): RecordedFailure {
  if (!(error instanceof Error)) return { name: "Error", message: wellFormed(String(error)) };
  const code = "code" in error && typeof error.code === "string" ? { code: wellFormed(error.code) } : {};
  return { name: wellFormed(error.name), message: wellFormed(error.message), ...code };
}

function wellFormed(text: string): string {
  return text.toWellFormed();
}
