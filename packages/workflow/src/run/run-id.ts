import { createHash } from "node:crypto";
import { type Clock, formatTimestamp } from "@holdfast/storage";

/** A new id for a workflow run: `run-{YYYYMMDD}-{HHMMSS}-{8 hex}`, in UTC. */
export function newRunId(clock: Clock, newId: () => string): string {
  const [date = "", time = ""] = formatTimestamp(clock()).split("T");
  const unique = createHash("sha256").update(newId()).digest("hex").slice(0, 8);
  return `run-${date.replaceAll("-", "")}-${time.slice(0, 8).replaceAll(":", "")}-${unique}`;
}
