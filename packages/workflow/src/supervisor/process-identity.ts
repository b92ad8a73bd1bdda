/** A process that cannot be taken for a later one with the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Start time in clock ticks since boot, as in `/proc/<pid>/stat`. */
  readonly start_time: string;
  readonly boot_id: string;
}
