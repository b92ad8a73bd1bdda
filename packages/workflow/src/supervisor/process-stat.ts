import { readdirSync, readFileSync } from "node:fs";

/** What `/proc/<pid>/stat` says of a process that runs. */
export interface ProcessStat {
  readonly group: number;
  /** Clock ticks since boot. */
  readonly startTime: string;
}

/**
 * Reads a process from `/proc`; `undefined` when it is gone, waits to be reaped, or there is no `/proc`.
 *
 * @see {@link https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html | proc_pid_stat(5)}
 */
export function readProcessStat(pid: number | string): ProcessStat | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined;
  }
  // The second field is the program's name in brackets and may hold anything, brackets and spaces too.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (fields[0] === "Z" || fields[0] === "X") return undefined;
  return { group: Number(fields[2]), startTime: fields[19] ?? "" };
}

/** The living members of a process group; `undefined` where there is no `/proc`. */
export function groupMembers(group: number): number[] | undefined {
  let entries: string[];
  try {
    entries = readdirSync("/proc");
  } catch {
    return undefined;
  }
  const pids = entries.filter((entry) => /^\d+$/.test(entry));
  if (pids.length === 0) return undefined;
  return pids.filter((pid) => readProcessStat(pid)?.group === group).map(Number);
}
