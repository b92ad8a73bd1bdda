import { LogError } from "./errors.ts";
import type { LogFormat } from "./inspect-tail.ts";
import { recordText } from "./record-text.ts";

/** What a line may be: how its log judges lines, and how long one may get. */
export interface LineRules {
  readonly path: string;
  readonly format: LogFormat;
  readonly maxLineBytes: number;
}

/** The line of a record, checked. */
export function lineOfRecord(record: unknown, rules: LineRules): string {
  if (rules.format === "text")
    throw new TypeError("append() is for logs of JSON; use appendText() for a text log");
  return withinLimit(recordText(record), rules);
}

/** A line of exact text, checked. */
export function lineOfText(text: string, rules: LineRules): string {
  if (text.includes("\n")) throw new TypeError("A line of a log cannot hold a newline");
  if (!text.isWellFormed())
    throw new TypeError("A line of a log cannot hold a lone surrogate: UTF-8 has no bytes for it");
  if (text === "" && rules.format !== "text") throw new TypeError("An empty line is no value of JSON");
  return withinLimit(text, rules);
}

function withinLimit(line: string, { path, maxLineBytes }: LineRules): string {
  if (line.length * 3 <= maxLineBytes) return line;
  const length = Buffer.byteLength(line);
  if (length <= maxLineBytes) return line;
  throw new LogError(
    "LOG_LINE_TOO_LONG",
    `Cannot append to "${path}": the record has ${length} bytes, the limit is ${maxLineBytes}; keep large content in a file of its own, or raise maxLineBytes`,
    { path },
  );
}
