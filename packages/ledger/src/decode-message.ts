import { checkMessage, refuseProtoKey } from "./check-message.ts";
import { type MessageOptions, refuseOversize } from "./encode-message.ts";
import { LedgerError } from "./errors.ts";
import { MAX_MESSAGE_BYTES } from "./limits.ts";
import type { Message } from "./message.ts";
import { messageOf } from "./message-of.ts";
import { parseStrict } from "./strict-json.ts";

/**
 * Reads a message from a line an agent wrote.
 *
 * Refused, besides what is no message, is JSON that readers disagree on: a name twice in one object, an integer that a double
 * cannot hold, `1e999`, half of a surrogate pair, a key `__proto__`, a byte order mark.
 *
 * @param text - The line, with or without its newline (`\n` or `\r\n`).
 * @param options - `maxBytes`: the limit with the newline, default 262,144.
 * @returns The message; defaults are filled in, fields the schema does not name are kept.
 * @throws {LedgerError} `LEDGER_MESSAGE` when it is not a message, `LEDGER_MESSAGE_TOO_LARGE` when it is longer than the limit.
 */
export function decodeMessage(text: string, options: MessageOptions = {}): Message {
  const line = text.endsWith("\n") ? text.slice(0, text.endsWith("\r\n") ? -2 : -1) : text;
  refuseOversize(Buffer.byteLength(line) + 1, options.maxBytes ?? MAX_MESSAGE_BYTES, "decode");
  let value: unknown;
  let written: string;
  try {
    value = parseStrict(line);
    written = JSON.stringify(value);
  } catch (error) {
    const reason = messageOf(error);
    throw new LedgerError(
      "LEDGER_MESSAGE",
      `Cannot decode message: not a line of JSON that can be taken as it is: ${reason}`,
      {
        path: "$",
        cause: error,
      },
    );
  }
  refuseProtoKey(written, "decode");
  return checkMessage(value, "decode");
}
