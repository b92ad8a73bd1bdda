import { StoreDamagedError, StoreError } from "@holdfast/storage";
import type { z } from "zod";
import type { TaskErrorCode, TaskFailure } from "./tasks.ts";

/** A failure as a result. */
export function failed(
  code: TaskErrorCode,
  message: string,
  details: TaskFailure["details"],
): { readonly ok: false; readonly error: TaskFailure } {
  return { ok: false, error: { code, message, details } };
}

/** What is wrong with the shape of a value, and where. */
export function misshapen(
  what: string,
  path: string,
  { issues }: z.ZodError,
): { readonly ok: false; readonly error: TaskFailure } {
  const [issue] = issues;
  const place =
    issue === undefined || issue.path.length === 0 ? "$" : `$.${issue.path.map(String).join(".")}`;
  const message = `${what}: "${place}": ${issue?.message ?? "it has another form"}`;
  return failed("VALIDATION", message, { path, place });
}

/** Whatever was thrown, as a result. */
export function thrown(
  what: string,
  path: string,
  error: unknown,
): { readonly ok: false; readonly error: TaskFailure } {
  const reason = reasonOf(error);
  if (error instanceof StoreDamagedError) {
    const column = columnOf(error.cause);
    return failed("JSON", reason, {
      path,
      ...(error.line === undefined ? {} : { line: error.line }),
      ...(column === undefined ? {} : { column }),
    });
  }
  if (error instanceof StoreError) {
    const code =
      error.code === "STORE_KEY" ? "VALIDATION" : error.code === "STORE_MISSING" ? "NOT_FOUND" : "IO";
    return failed(code, reason, { path, cause: error.code });
  }
  if (error instanceof TypeError && reason.startsWith("Cannot store the value: ")) {
    const place = /at "(\$[^"]*)"/u.exec(reason)?.[1];
    const message = `${what}: ${reason.slice("Cannot store the value: ".length)}`;
    return failed("VALIDATION", message, { path, ...(place === undefined ? {} : { place }) });
  }
  return failed("UNKNOWN", `${what}: ${reason}`, { path });
}

function reasonOf(error: unknown): string {
  try {
    return error instanceof Error ? error.message : String(error);
  } catch {
    return "something was thrown that cannot be shown";
  }
}

function columnOf(cause: unknown): number | undefined {
  if (typeof cause !== "object" || cause === null || !("column" in cause)) return undefined;
  return typeof cause.column === "number" ? cause.column : undefined;
}
