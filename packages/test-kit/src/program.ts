import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { env, execPath } from "node:process";
import { createInterface } from "node:readline";

/** What Node made of the sources is kept there: a start takes a third of the time. Written by programs that end by themselves. */
const COMPILED = join(import.meta.dirname, "../../../node_modules/.cache/holdfast-compiled");

/** A program of a test in a process of its own. */
export interface Program {
  readonly process: ChildProcess;
  readonly pid: number;
  /** The next line it prints; `undefined` when it has ended. */
  line(): Promise<string | undefined>;
  /** How it ended, and what it wrote to stderr. */
  readonly ended: Promise<{
    readonly code: number | null;
    readonly signal: NodeJS.Signals | null;
    readonly stderr: string;
  }>;
}

/**
 * Starts a TypeScript file with Node, on the sources of all packages.
 *
 * @param path - The file.
 * @param prefix - A command that runs the rest, such as `unshare`; default none.
 */
export function startProgram(path: string, args: readonly string[], prefix: readonly string[] = []): Program {
  const node = [execPath, "--conditions=holdfast-source", path, ...args];
  const [command = execPath, ...rest] = [...prefix, ...node];
  const child = spawn(command, rest, {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...env, NODE_COMPILE_CACHE: COMPILED },
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Awaited<Program["ended"]>>((resolve) => {
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
