import { randomBytes } from "node:crypto";
import { type Clock, formatTimestamp, systemClock } from "@holdfast/storage";

/** Options of {@link newJobId}. */
export interface JobIdOptions {
  /** Where the time comes from; default the system's clock. */
  readonly clock?: Clock;
  /** Gives that many random bytes; default those of `node:crypto`. */
  readonly random?: (count: number) => Uint8Array;
}

/** A new id of a job: `job-{YYYYMMDD}-{HHMMSS}-{8 hex}`, the time in UTC; `create()` is what claims an id. */
export function newJobId(options: JobIdOptions = {}): string {
  const { clock = systemClock, random = randomBytes } = options;
  const [date = "", time = ""] = formatTimestamp(clock()).split(/[T.]/);
  const digits = Buffer.from(random(4)).toString("hex").padStart(8, "0").slice(0, 8);
  return `job-${date.replaceAll("-", "")}-${time.replaceAll(":", "")}-${digits}`;
}
