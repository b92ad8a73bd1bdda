/** What can be wrong with a store of files. */
export type StoreFindingKind =
  | "damaged-store"
  | "damaged-document"
  | "damaged-line"
  | "damaged-object"
  | "damaged-index"
  | "torn-tail"
  | "leftover"
  | "unreadable";

/** Something that is wrong with a store of files. */
export interface StoreFinding {
  readonly kind: StoreFindingKind;
  /** `error`: something that was kept is damaged. `warning`: what a crash leaves behind, or what can be made anew; nothing acknowledged is concerned. */
  readonly severity: "error" | "warning";
  /** The file, as a path below the root. */
  readonly path: string;
  /** Line in the file, from 1. */
  readonly line?: number;
  /** Byte in the file, from 0. */
  readonly offset?: number;
  /** What it is, and what to do or what was done. */
  readonly message: string;
  /** By `repair()`: whether it was mended (with `dryRun`: would be). */
  readonly repaired?: boolean;
}

/** Options of `check()`. */
export interface CheckOptions {
  /** Only documents and logs whose keys start with this; objects and the rest are left out unless it is empty. Default: everything. */
  readonly prefix?: string;
  /** Whether the content of every object is read. Default: true, unless there is a `prefix`. */
  readonly objects?: boolean;
  readonly signal?: AbortSignal;
}

/** Options of `repair()`. */
export interface RepairOptions extends CheckOptions {
  /** Only say what would be done. Default false. */
  readonly dryRun?: boolean;
  /**
   * Also take damage away that cannot be mended: damaged lines out of their logs (later ones move up), damaged documents and objects
   * out of their places. The bytes are kept in a `.corrupt` file beside them. Default false.
   */
  readonly salvage?: boolean;
}
