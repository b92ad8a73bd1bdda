import type { FileSystem } from "@holdfast/fsutil";
import type { PieceCache } from "./piece-cache.ts";

/** Options of an index of a log. */
export interface LogIndexOptions {
  /** The current file of the log. */
  readonly path: string;
  /** Where the index is kept, once the log is long enough for one; `undefined`: in a private temporary database. */
  readonly databasePath: string | undefined;
  readonly fileSystem: FileSystem;
  readonly cache: PieceCache;
  /** Lines a segment, up to 65,536; default `SEGMENT_LINES`. */
  readonly segmentLines?: number;
}
