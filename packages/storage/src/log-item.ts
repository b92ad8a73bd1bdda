import { StoreError } from "./errors.ts";
import { logFormat } from "./log-path.ts";
import { marksOf } from "./marks.ts";
import type { LogAppendOptions, LogItem } from "./store.ts";

/** Longest text of a log line, in bytes of UTF-8: with its newline, 1 MiB. */
export const MAX_TEXT_BYTES = 1_048_575;

/**
 * Checks the lines of a batch before any of them is written.
 *
 * @throws {TypeError} For an empty batch, a line with a newline or half a surrogate pair in it, an empty line or one
 *   with a NUL in a log that is no transcript, or a `dedupe` id that is not the
 *   line's own `event_id` or `message_id`: an id that is not in the text could not be known again after a restart.
 * @throws {StoreError} `STORE_TEXT_TOO_LARGE`
 */
export function checkItems(key: string, items: readonly LogItem[], maxTextBytes = MAX_TEXT_BYTES): void {
  if (items.length === 0) throw new TypeError(`Cannot append to "${key}": the batch is empty`);
  for (const { text, dedupe } of items) {
    if (typeof text !== "string")
      throw new TypeError(`Cannot append to "${key}": a line is a text, not ${typeof text}`);
    if (text.includes("\n")) throw new TypeError(`Cannot append to "${key}": a line holds a newline`);
    if (logFormat(key) === "json" && (text === "" || text.includes("\0"))) {
      throw new TypeError(`Cannot append to "${key}": a line is no JSON; only a transcript holds plain text`);
    }
    if (!text.isWellFormed())
      throw new TypeError(`Cannot append to "${key}": a line holds half of a surrogate pair`);
    // A text has at most three bytes a unit: most need not be measured.
    const bytes = text.length * 3 > maxTextBytes ? Buffer.byteLength(text) : 0;
    if (bytes > maxTextBytes) {
      throw new StoreError(
        "STORE_TEXT_TOO_LARGE",
        `Cannot append to "${key}": a line has ${bytes} bytes, ${maxTextBytes} are allowed; keep large content as an object`,
        { path: key },
      );
    }
    if (dedupe !== undefined && marksOf(text).id !== dedupe) {
      throw new TypeError(
        `Cannot append to "${key}": the dedupe id ${JSON.stringify(dedupe)} is not the line's event_id or message_id`,
      );
    }
  }
}

/** Checks how a batch is to be appended. */
export function checkAppendOptions({ durability, rotateBytes }: LogAppendOptions): void {
  if (durability !== undefined && durability !== "synced" && durability !== "written")
    throw new TypeError(`durability is "synced" or "written", not ${JSON.stringify(durability)}`);
  if (rotateBytes !== undefined && !(Number.isSafeInteger(rotateBytes) && rotateBytes >= 1))
    throw new RangeError(`rotateBytes is a whole number from 1, not ${rotateBytes}`);
}

/** Checks a position to read from. */
export function checkFrom(from: number): void {
  if (!Number.isSafeInteger(from) || from < 1) throw new RangeError(`from is a position from 1, not ${from}`);
}
