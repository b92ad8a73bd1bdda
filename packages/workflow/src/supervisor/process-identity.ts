import { readFileSync } from "node:fs";
import * as z from "zod";
import { endGroup } from "./process-group.ts";
import { groupMembers, readProcessStat } from "./process-stat.ts";

/** A process that cannot be taken for a later one with the same number. */
export const processIdentitySchema = z.object({
  pid: z.int().min(2),
  start_time: z.string().min(1).describe("Clock ticks since boot, as in /proc/<pid>/stat"),
  boot_id: z.string().min(1),
});
export type ProcessIdentity = z.output<typeof processIdentitySchema>;

/** Who a process is; `undefined` when it is gone, or on a system without `/proc`. */
export function processIdentity(pid: number): ProcessIdentity | undefined {
  const stat = readProcessStat(pid);
  if (stat === undefined) return undefined;
  return {
    pid,
    start_time: stat.startTime,
    boot_id: readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(),
  };
}

/** What to end, and how long to wait. */
export interface EndOrphansOptions {
  /** The run whose agents they were: it recognises the children of an agent that itself is gone. */
  readonly runId: string;
  /** Between SIGTERM and SIGKILL. Default 2,000 ms. */
  readonly graceMs?: number;
}

/**
 * Ends the process groups of agents whose orchestrator died, and waits until they are gone.
 *
 * A group is ended when its leader still is the process that was recorded (same boot, number and start time), or when the leader is
 * gone and a member carries the run in its environment (`HOLDFAST_RUN_ID`). A number that belongs to another process by now is left alone.
 *
 * @param identities - As recorded when the agents were started.
 * @returns The process group numbers that were ended.
 */
export async function endOrphans(
  identities: readonly ProcessIdentity[],
  options: EndOrphansOptions,
): Promise<number[]> {
  const graceMs = options.graceMs ?? 2_000;
  const ended: number[] = [];
  for (const identity of identities) {
    if (!isSameGroup(identity, options.runId)) continue;
    await endGroup(identity.pid, graceMs);
    ended.push(identity.pid);
  }
  return ended;
}

function isSameGroup(identity: ProcessIdentity, runId: string): boolean {
  // A group number of 0 or 1 would reach our own group or every process.
  if (!Number.isSafeInteger(identity.pid) || identity.pid <= 1) return false;
  const own = processIdentity(process.pid);
  if (own === undefined || own.boot_id !== identity.boot_id) return false;
  const leader = readProcessStat(identity.pid);
  if (leader !== undefined) return leader.startTime === identity.start_time && leader.group === identity.pid;
  return (groupMembers(identity.pid) ?? []).some((pid) =>
    environmentOf(pid).includes(`HOLDFAST_RUN_ID=${runId}`),
  );
}

function environmentOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  } catch {
    // Ended while we looked, or another user's: not ours to end.
    return [];
  }
}
