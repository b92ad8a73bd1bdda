import { CanonicalJsonError, canonicalJson } from "@holdfast/idempotency";
import { checkMessage, refuseProtoKey } from "./check-message.ts";
import { LedgerError } from "./errors.ts";
import { MAX_MESSAGE_BYTES } from "./limits.ts";
import type { MessageInput } from "./message.ts";
import { messageOf } from "./message-of.ts";
import { withoutUndefined } from "./without-undefined.ts";

/** Options of `encodeMessage` and `decodeMessage`. */
export interface MessageOptions {
  /** Longest message in bytes of UTF-8 with its newline, default 262,144. */
  readonly maxBytes?: number;
}

/**
 * Writes a message as one line of JSON, without the newline.
 *
 * What is written can be read back as the same value: what JSON would drop or change quietly (`NaN`, a `Date`, half of a
 * surrogate pair, a key `__proto__`) is refused. Members that are `undefined` are left out.
 *
 * @param message - The message; fields the schema does not name are kept.
 * @param options - `maxBytes`: the limit, with the newline that is not part of the result; default 262,144.
 * @returns The line, without its newline.
 * @throws {LedgerError} `LEDGER_MESSAGE` when it is not a message, `LEDGER_MESSAGE_TOO_LARGE` when it is longer than the limit.
 */
export function encodeMessage(message: MessageInput, options: MessageOptions = {}): string {
  checkMessage(message, "encode");
  const { value } = canonical(message, "encode");
  const text = stringify(value, "encode");
  refuseProtoKey(text, "encode");
  refuseOversize(Buffer.byteLength(text) + 1, options.maxBytes ?? MAX_MESSAGE_BYTES, "encode");
  return text;
}

/** The canonical JSON of a value, and the value it is of: the same, or a copy without what is `undefined`. */
export function canonical(
  value: Readonly<Record<string, unknown>>,
  action: string,
): { readonly text: string; readonly value: Readonly<Record<string, unknown>> } {
  try {
    return { text: canonicalJson(value), value };
  } catch (error) {
    if (!(error instanceof CanonicalJsonError && error.code === "CANONICAL_UNDEFINED")) {
      throw notJson(error, action);
    }
  }
  try {
    const kept = withoutUndefined(value);
    return { text: canonicalJson(kept), value: kept };
  } catch (error) {
    throw notJson(error, action);
  }
}

/** JSON of a value that is known to be plain. */
export function stringify(value: unknown, action: string): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    throw notJson(error, action);
  }
}

export function refuseOversize(bytes: number, maxBytes: number, action: string): void {
  if (bytes <= maxBytes) return;
  throw new LedgerError(
    "LEDGER_MESSAGE_TOO_LARGE",
    `Cannot ${action} message: ${bytes} bytes with the newline, ${maxBytes} at most; put larger content in a file and send its path and checksum`,
    { path: "$" },
  );
}

function notJson(error: unknown, action: string): LedgerError {
  const path = error instanceof CanonicalJsonError ? error.documentPath : "$";
  return new LedgerError("LEDGER_MESSAGE", `Cannot ${action} message: ${messageOf(error)}`, {
    path,
    cause: error,
  });
}
