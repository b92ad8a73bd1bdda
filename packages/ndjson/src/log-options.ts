import type { FileSystem } from "@holdfast/fsutil";
import type { LogFormat } from "./inspect-tail.ts";
import type { TailRepair } from "./recover-tail.ts";

/**
 * When an append resolves. `each`: when its record is on stable storage. `batch`: when it is written (it survives the end of
 * the process); a sync follows within `syncIntervalMs`, and `flush()` waits for one. `none`: when it is written; never synced.
 */
export type LogDurability = "each" | "batch" | "none";

/** Options of {@link openLog}. */
export interface OpenLogOptions {
  /** Default `each`. */
  readonly durability?: LogDurability;
  /** `json` (default): a line is one JSON value, and damage of the last lines is judged by that. `text`: any text. */
  readonly format?: LogFormat;
  /** Longest line in bytes, without its newline; default 64 MiB. A longer record is refused before a byte is written. */
  readonly maxLineBytes?: number;
  /** The file is put aside under a name with the time before it would grow past this many bytes; default: never. */
  readonly rotateBytes?: number;
  /** With `batch`: longest time between a write and its sync, in milliseconds; default 50. */
  readonly syncIntervalMs?: number;
  /** Permission bits of a new file; default 0o600. */
  readonly mode?: number;
  /**
   * Whether a log is opened in which a line holds zeros, and that may be the last one: the line stays, for readers to report. A disk may keep later
   * bytes and lose earlier ones where neither were synced, so this is for logs that are not synced with each append. Default false: refused.
   */
  readonly keepHoles?: boolean;
  /** Called once, before `openLog` resolves, when a torn tail was cut. */
  readonly onRepair?: (repair: TailRepair) => void;
  /**
   * A check that runs before a group of records is written and again before it is acknowledged: throws when this writer has
   * lost its right to write. Before the write: nothing is written. After it: nothing is acknowledged, and the log is failed.
   */
  readonly beforeAcknowledge?: () => void;
  /** Microseconds since 1970, for the names of rotated files; default: the system's clock. */
  readonly clock?: () => bigint;
  /**
   * What `onSummary` was given last, if it was kept: only lines that came after it are counted. It is a note, never the truth: one
   * that does not fit the files any more is not used, and the log is counted from its start.
   */
  readonly summary?: string;
  /**
   * Told what is known of the files, as a text for `summary` and `placeFromSummary`, whenever another `summaryBytes` are on stable
   * storage, when a file was put aside, and when the summary it was opened with was missing or wrong. It must not throw.
   */
  readonly onSummary?: (text: string) => void;
  /** Bytes between two summaries, from 1; default 8 MiB. A log that is shorter has none. */
  readonly summaryBytes?: number;
  /** Stops the opening (a large log without a summary is read once, to count its lines). */
  readonly signal?: AbortSignal;
  /** What to work on. Default: the disk. */
  readonly fileSystem?: FileSystem;
}

/** Options of one append. */
export interface AppendOptions {
  /** When this append resolves: `each`, when it is synced; `batch`, when it is written. Default: as the log was opened; one that was opened with `none` stays at that. */
  readonly durability?: "each" | "batch";
  /**
   * Whether several records belong together (default true). With `false` a crash can keep the first of them and not the rest, and
   * nothing has to be synced before they are written.
   */
  readonly whole?: boolean;
  /** The position the log must end at; otherwise `LOG_CONFLICT`, and nothing is written. */
  readonly expected?: number;
  /** As `beforeAcknowledge` of {@link OpenLogOptions}, for this append alone: before its write, a throw refuses this append. */
  readonly beforeAcknowledge?: () => void;
}

/** Where an append went. For a batch: its last record. */
export interface Appended {
  /** Place in the whole log, from 1, rotated files included. */
  readonly position: number;
  /** Where the line starts in the current file, in bytes. */
  readonly offset: number;
  /** Length of the line in bytes, without its newline. */
  readonly length: number;
}

/** Where a line is. */
export interface LogPlace {
  /** Place in the whole log, from 1, rotated files included. */
  readonly position: number;
  /** The file the line is in. */
  readonly path: string;
  /** Line in that file, from 1. */
  readonly line: number;
  /** Where the line starts in that file, in bytes. */
  readonly offset: number;
}

/** A {@link LogPlace} to start reading at, with what tells whether it is still right. */
export interface LogStart extends LogPlace {
  /** The file, whatever its name is by now. */
  readonly inode: bigint;
}
