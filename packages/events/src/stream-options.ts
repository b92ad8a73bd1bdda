import type { Clock, Fence } from "@holdfast/storage";
import type { EventIds } from "./event-id.ts";
import { keptTypes, type VerbosityLevel } from "./verbosity.ts";

/** Options of `openEventStream()`. */
export interface EventStreamOptions {
  /** Which kinds are kept. Default `DETAIL`: all of them. */
  readonly verbosity?: VerbosityLevel;
  /** How many events may wait to be written, from 1. Default 10,000. */
  readonly queueSize?: number;
  /** How much text may wait to be written, in UTF-16 units (bytes, where it is ASCII), from 1. Default 16 MiB. */
  readonly queueBytes?: number;
  /**
   * What becomes of an event that there is no room for. `drop` (default): it is counted, and the count is written as a SYSTEM event.
   * `wait`: none is lost; the producer awaits `ready()`.
   */
  readonly onFull?: "drop" | "wait";
  /** Bytes a file grows to before it is put aside, from 1. Default 500 MiB. */
  readonly rotateBytes?: number;
  /**
   * When a batch counts as written, for `drain()`. `written` (default): when the operating system has it; it is on the disk within about a
   * second, and after `flush()`. `synced`: when it is on stable storage.
   */
  readonly durability?: "written" | "synced";
  /** The claim of the run: events of a holder that lost it are refused. */
  readonly fence?: Fence;
  /** Microseconds since 1970. Default: the clock of the process. */
  readonly clock?: Clock;
  /** Gives the id of an event from its time in milliseconds. Default: `eventIds()`. */
  readonly newId?: EventIds;
}

type Defaulted = "verbosity" | "queueSize" | "queueBytes" | "onFull" | "rotateBytes" | "durability";

/** Options with their defaults. */
export type CheckedStreamOptions = EventStreamOptions & Required<Pick<EventStreamOptions, Defaulted>>;

/** Fills in the defaults. */
export function checkStreamOptions(options: EventStreamOptions): CheckedStreamOptions {
  const checked = {
    ...options,
    verbosity: options.verbosity ?? "DETAIL",
    queueSize: options.queueSize ?? 10_000,
    queueBytes: options.queueBytes ?? 16 * 1024 * 1024,
    onFull: options.onFull ?? "drop",
    rotateBytes: options.rotateBytes ?? 500 * 1024 * 1024,
    durability: options.durability ?? "written",
  } as const;
  keptTypes(checked.verbosity);
  for (const name of ["queueSize", "queueBytes", "rotateBytes"] as const) {
    const value = checked[name];
    if (!Number.isSafeInteger(value) || value < 1)
      throw new RangeError(`${name} is a whole number from 1, not ${String(value)}`);
  }
  oneOf("onFull", checked.onFull, ["drop", "wait"]);
  oneOf("durability", checked.durability, ["written", "synced"]);
  return checked;
}

function oneOf(name: string, value: string, allowed: readonly string[]): void {
  if (!allowed.includes(value))
    throw new RangeError(`${name} is ${allowed.join(" or ")}, not ${JSON.stringify(value)}`);
}
