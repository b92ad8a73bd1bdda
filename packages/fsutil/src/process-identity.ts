import { createHash } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { kill, pid as ownPid, platform } from "node:process";

/** What tells a process from every other one, of any time and machine that can see the same files. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly process_start: string | null;
  readonly boot_id: string | null;
  readonly pid_namespace: string | null;
  readonly host: string;
}

/** `unknown`: this process has no way to see it, so nobody may assume that it is gone. */
export type Liveness = "alive" | "dead" | "unknown";

function read(path: string): string | null {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return null;
  }
}

function link(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

/** State letter, number of threads and start time out of `/proc/<pid>/stat`; the command in parentheses may itself hold spaces and parentheses. */
function parseStat(
  text: string | null,
): { readonly state: string; readonly threads: string; readonly start: string } | undefined {
  if (text === null) return undefined;
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state, threads, start] = [fields[0], fields[17], fields[19]];
  if (state === undefined || threads === undefined || start === undefined) return undefined;
  return { state, threads, start };
}

/** The identity of this process. Where there is no `/proc` (not Linux) the parts of it are null. */
export function ownIdentity(): ProcessIdentity {
  return {
    pid: ownPid,
    process_start: parseStat(read("/proc/self/stat"))?.start ?? null,
    boot_id: read("/proc/sys/kernel/random/boot_id"),
    pid_namespace: link("/proc/self/ns/pid"),
    host: hostname(),
  };
}

/** Whether a pid of this namespace runs; `EPERM` says that it does, for somebody else. */
function answersSignal(pid: number): boolean {
  try {
    kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}

/**
 * Whether a process of this namespace and boot still runs.
 *
 * @param start - Its start time; null: only the pid is known, and a reused pid counts as alive.
 */
export function livenessOfPid(pid: number, start: string | null): Liveness {
  if (!answersSignal(pid)) return "dead";
  // A mount of /proc can belong to another namespace than ours; then its numbers mean other processes.
  if (link("/proc/self") !== String(ownPid)) return "unknown";
  const stat = parseStat(read(`/proc/${pid}/stat`));
  if (stat === undefined) return answersSignal(pid) ? "unknown" : "dead";
  // Ended, only its parent has not asked yet; unless one of its threads still waits for a disk, and so may still write.
  if (stat.state === "Z" || stat.state === "X") return Number(stat.threads) > 1 ? "alive" : "dead";
  if (start === null) return "alive";
  return stat.start === start ? "alive" : "dead";
}

/** When a living process started, in milliseconds since 1970 by the clock as it goes now; `undefined` where that cannot be known. */
export function startedAt(pid: number): number | undefined {
  const stat = parseStat(read(`/proc/${pid}/stat`));
  const uptime = Number(read("/proc/uptime")?.split(" ")[0]);
  if (stat === undefined || !Number.isFinite(uptime)) return undefined;
  const TICKS_PER_SECOND = 100; // USER_HZ, the same on every Linux that Node runs on
  return Date.now() - (uptime - Number(stat.start) / TICKS_PER_SECOND) * 1000;
}

/**
 * Whether the process that an identity names still runs, as far as this process can know.
 *
 * @param sameDisk - Whether the files it wrote are on a disk that only one running kernel can have mounted.
 */
export function livenessOf(other: ProcessIdentity, own: ProcessIdentity, sameDisk: boolean): Liveness {
  if (other.host !== own.host) return "unknown";
  if (other.boot_id !== own.boot_id) {
    // The same machine after a reboot: nothing of the earlier boot runs. On a network file system the name of the host proves nothing.
    return other.boot_id !== null && own.boot_id !== null && sameDisk ? "dead" : "unknown";
  }
  if (other.pid_namespace !== own.pid_namespace) return "unknown";
  if (platform === "linux" && other.pid_namespace === null) return "unknown";
  return livenessOfPid(other.pid, other.process_start);
}

const shortHash = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 4);

/** Twelve hex digits that stand for host, boot and pid namespace: enough to see that a writer was of another world. */
export function worldStamp(identity: ProcessIdentity): string {
  return [identity.host, identity.boot_id ?? "", identity.pid_namespace ?? ""].map(shortHash).join("");
}
