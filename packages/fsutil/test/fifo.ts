import { execFileSync } from "node:child_process";

const PROGRAM = "mkfifo"; // Node has no call for it

/** Makes a FIFO that nobody writes to or reads from. */
export function makeFifo(path: string): void {
  execFileSync(PROGRAM, [path]);
}
