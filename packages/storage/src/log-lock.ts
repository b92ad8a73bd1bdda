import { createHash } from "node:crypto";

/** The path below the root of the lock that keeps other writers out of a log. */
export function logLockPath(key: string): string {
  return `index/locks/${createHash("sha256").update(key).digest("hex").slice(0, 32)}`;
}
