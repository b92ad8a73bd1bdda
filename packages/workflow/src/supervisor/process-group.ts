import { setTimeout as delay } from "node:timers/promises";
import { codeOf } from "../unknown-value.ts";
import { groupMembers } from "./process-stat.ts";

const POLL_MS = 20;
const KILL_WAIT_MS = 5_000;

/** Sends a signal to a whole process group; `false` when the group is gone. */
export function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-group, signal);
    return true;
  } catch (error) {
    // EPERM: what is left runs as another user; there is nothing we could do to it.
    const code = codeOf(error);
    if (code === "ESRCH" || code === "EPERM") return false;
    throw error;
  }
}

/**
 * Ends a process group: SIGTERM, the grace, SIGKILL; resolves when no member is left. Its number cannot be given to another process
 * meanwhile, as the system does not reuse the number of a group that has members.
 */
export async function endGroup(group: number, graceMs: number): Promise<void> {
  if (!signalGroup(group, "SIGTERM")) return;
  // A stopped process takes no SIGTERM before it goes on.
  signalGroup(group, "SIGCONT");
  if (await isGone(group, graceMs)) return;
  signalGroup(group, "SIGKILL");
  await isGone(group, KILL_WAIT_MS);
}

async function isGone(group: number, waitMs: number): Promise<boolean> {
  const end = performance.now() + waitMs;
  // A member that waits to be reaped can still be signalled, for ever where nobody reaps: it does not count.
  while (signalGroup(group, 0) && groupMembers(group)?.length !== 0) {
    if (performance.now() >= end) return false;
    await delay(POLL_MS);
  }
  return true;
}
