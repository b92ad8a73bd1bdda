import { readFileSync, writeFileSync } from "node:fs";
import { platform } from "node:process";

/** The most resident memory since {@link resetPeak}, in bytes; 0 where the system does not tell. */
export function peak(): number {
  if (platform !== "linux") return 0;
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1]) * 1024;
}

/** Collects what is garbage, and gives the memory that is left. */
export function resetPeak(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  if (platform === "linux") writeFileSync("/proc/self/clear_refs", "5");
  return peak();
}
