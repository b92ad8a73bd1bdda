import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { env, execPath } from "node:process";
import { createInterface } from "node:readline";

/** A program of this folder in a process of its own. */
export interface Program {
  readonly process: ChildProcess;
  readonly pid: number;
  /** What it prints, line by line; ends with it. */
  readonly lines: AsyncIterable<string>;
  readonly ended: Promise<{
    readonly code: number | null;
    readonly signal: NodeJS.Signals | null;
    readonly stderr: string;
  }>;
}

/** What Node made of the sources is kept there: a start takes a third of the time. Written by programs that end by themselves. */
const COMPILED = join(import.meta.dirname, "../../../node_modules/.cache/holdfast-compiled");

/** Starts a program of this folder with Node, on the sources of all packages. */
export function startProgram(name: string, args: readonly string[]): Program {
  const file = join(import.meta.dirname, name);
  const child = spawn(execPath, ["--conditions=holdfast-source", file, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...env, NODE_COMPILE_CACHE: COMPILED },
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const lines = createInterface({ input: child.stdout });
  const ended = new Promise<Awaited<Program["ended"]>>((resolve) => {
    child.once("close", (code, signal) => resolve({ code, signal, stderr }));
  });
  return { process: child, pid: child.pid ?? 0, lines, ended };
}
