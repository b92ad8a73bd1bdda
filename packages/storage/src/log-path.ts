/** How the lines of a log are judged: `json`, one JSON value each; `text`, any text. */
export type LineFormat = "json" | "text";

/** The last part of keys whose logs hold plain text, for people. */
const TEXT_LOG = "transcript";

/** The format of a log: `text` where the last part of its key is `transcript`, otherwise `json`. */
export function logFormat(key: string): LineFormat {
  return key.slice(key.lastIndexOf("/") + 1) === TEXT_LOG ? "text" : "json";
}

/** The path below the root of a log's current file. */
export function logPath(key: string): string {
  const last = key.slice(key.lastIndexOf("/") + 1);
  if (last === "events") return `${key}.jsonl`;
  return last === TEXT_LOG ? `${key}.txt` : `${key}.ndjson`;
}

/** The last part of a log's key from the name of one of its files; `undefined` when it is none. */
export function logName(fileName: string): string | undefined {
  if (/^events(_\d{4}-\d{2}-\d{2}_\d{2}-\d{2}-\d{2}(_\d{3,})?)?\.jsonl$/.test(fileName)) return "events";
  if (fileName === `${TEXT_LOG}.txt`) return TEXT_LOG;
  if (!fileName.endsWith(".ndjson")) return undefined;
  const name = fileName.slice(0, -".ndjson".length);
  return name === "events" || name === TEXT_LOG ? undefined : name;
}
