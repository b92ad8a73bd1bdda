import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { execPath } from "node:process";
import { createInterface } from "node:readline";

/** A program of this folder in a process of its own. */
export interface Child {
  readonly process: ChildProcess;
  readonly pid: number;
  /** The next line it prints; `undefined` when it has ended. */
  line(): Promise<string | undefined>;
  /** How it ended. */
  readonly ended: Promise<{
    readonly code: number | null;
    readonly signal: NodeJS.Signals | null;
    readonly stderr: string;
  }>;
}

/** Starts `test/<program>` with Node, or through `prefix` (a command that runs the rest). */
export function start(program: string, args: readonly string[], prefix: readonly string[] = []): Child {
  const node = [execPath, "--conditions=holdfast-source", join(import.meta.dirname, program), ...args];
  const [command = execPath, ...rest] = [...prefix, ...node];
  const child = spawn(command, rest, { stdio: ["pipe", "pipe", "pipe"] });
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
    pid: child.pid ?? 0,
    ended,
    async line() {
      const next = await lines.next();
      return next.done === true ? undefined : next.value;
    },
  };
}
