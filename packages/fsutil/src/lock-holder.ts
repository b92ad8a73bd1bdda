/** Who holds a lock, as its epoch file names it. Field names are the same on disk. */
export interface LockHolder {
  /** The fencing token: number of the epoch file. */
  readonly token: number;
  readonly pid: number;
  /** When the process started, in clock ticks since boot; tells a reused pid from the holder. Null where it cannot be known. */
  readonly process_start: string | null;
  /** Identity of the running kernel; another one after each reboot. Null where it cannot be known. */
  readonly boot_id: string | null;
  /** Identity of the pid namespace (a container has its own). Null where it cannot be known. */
  readonly pid_namespace: string | null;
  readonly host: string;
  /** What the holder calls itself. */
  readonly worker: string;
  /** When the lock was taken, RFC 3339 in UTC. */
  readonly since: string;
  /** Whether a kernel lock backs the epoch file. */
  readonly kernel_lock: boolean;
}
