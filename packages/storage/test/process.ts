import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { execPath } from "node:process";
import { createInterface } from "node:readline";

/** A program of this folder in a process of its own. */
export interface Child {
  readonly process: ChildProcess;
  /** The next line it prints; `undefined` when it has ended. */
  line(): Promise<string | undefined>;
  /** How it ended, and what it wrote to stderr. */
  readonly ended: Promise<{
    readonly code: number | null;
    readonly signal: NodeJS.Signals | null;
    readonly stderr: string;
  }>;
}

/** Starts `test/<program>` on the sources. */
export function start(program: string, args: readonly string[]): Child {
  const child = spawn(
    execPath,
    ["--conditions=holdfast-source", join(import.meta.dirname, program), ...args],
    {
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Awaited<Child["ended"]>>((resolve) => {
    child.once("close", (code, signal) => resolve({ code, signal, stderr }));
  });
  return {
    process: child,
    ended,
    async line() {
      const next = await lines.next();
      return next.done === true ? undefined : next.value;
    },
  };
}
