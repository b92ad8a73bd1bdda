import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import type { Command } from "@holdfast/ledger";
import { createOutputSplitter, type OutputLine } from "../supervisor/output-splitter.ts";
import { isRecord } from "../unknown-value.ts";
import type { AgentContext } from "./agent-context.ts";
import { AgentFailure } from "./agent-failure.ts";

const DEFAULT_GRACE_MS = 5_000;
const TAIL_LINES = 20;
const TAIL_LENGTH = 4_000;
const OUTPUT_LINE_BYTES = 65_536;
const DRAIN_MS = 1_000;
/** Linux takes at most 128 KiB in one variable. */
const MAX_VARIABLE_BYTES = 100_000;

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/** What a program is run with. */
export interface RunProgramOptions {
  /** Environment of the program, besides what it is told. Default `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Where its stdout and stderr go. Default `process.stderr`. */
  readonly errorOutput?: Writable;
  /** Milliseconds between SIGTERM and SIGKILL. Default 5,000. */
  readonly graceMs?: number;
}

/** How the program ended. */
export interface ProgramEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Its last lines. */
  readonly output: readonly string[];
  /** What its last line of stdout says as an answer. */
  readonly answer: Readonly<Record<string, unknown>>;
}

/**
 * Runs a program for a command: in the workspace, told the command on stdin and in variables, ended when the agent must end.
 *
 * @throws {AgentFailure} `AGENT_SPAWN`.
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  context: AgentContext,
  options: RunProgramOptions,
): Promise<ProgramEnd> {
  const { command, signal, workspace } = context;
  const child: Child = spawn(program, args, {
    cwd: workspace,
    env: { ...(options.env ?? process.env), ...variablesOf(command) },
    stdio: ["pipe", "pipe", "pipe"],
  });
  child.stdin.on("error", () => {});
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once("exit", (code, by) => resolve({ code, signal: by }));
  });
  try {
    await once(child, "spawn");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const state =
      code === "ENOENT"
        ? "not found in PATH, or its interpreter is missing"
        : code === "EACCES"
          ? "not an executable file"
          : message;
    throw new AgentFailure("AGENT_SPAWN", `Cannot start "${program}": ${state}`);
  }
  child.stdin.end(`${JSON.stringify(command)}\n`);
  let killTimer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    child.kill("SIGTERM");
    killTimer = setTimeout(() => child.kill("SIGKILL"), options.graceMs ?? DEFAULT_GRACE_MS);
  };
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  const tail: string[] = [];
  let last = "";
  const target = options.errorOutput ?? process.stderr;
  const forwarded = Promise.all([
    forward(child.stdout, target, (line) => {
      keepTail(tail, line);
      if (line.trim() !== "") last = line;
    }),
    forward(child.stderr, target, (line) => keepTail(tail, line)),
  ]);
  try {
    const exit = await ended;
    // What it left in the background may hold the pipes open: its output is not waited for.
    await Promise.race([forwarded, delay(DRAIN_MS)]);
    return { ...exit, output: tail, answer: answerIn(last) };
  } finally {
    clearTimeout(killTimer);
    signal.removeEventListener("abort", stop);
    child.stdout.destroy();
    child.stderr.destroy();
  }
}

function keepTail(tail: string[], line: string): void {
  tail.push(line);
  if (tail.length > TAIL_LINES) tail.shift();
}

/** What a line says as the answer to a step of a job; nothing when it is anything else. */
function answerIn(line: string): Readonly<Record<string, unknown>> {
  try {
    const said: unknown = JSON.parse(line);
    if (isRecord(said) && typeof said["outcome"] === "string") return said;
  } catch {
    // Ordinary output.
  }
  return {};
}

/** Copies a pipe line by line, so that lines of two pipes do not mix, and tells of each. */
async function forward(pipe: Readable, target: Writable, onLine: (line: string) => void): Promise<void> {
  const splitter = createOutputSplitter(OUTPUT_LINE_BYTES);
  const copy = async (line: OutputLine): Promise<void> => {
    const text = "bytes" in line ? line.bytes.toString("utf8") : `[a line of ${line.oversizedBytes} bytes]`;
    onLine(text);
    if (!target.write(`${text}\n`)) await once(target, "drain");
  };
  try {
    for await (const chunk of pipe) for (const line of splitter.push(chunk as Buffer)) await copy(line);
    const rest = splitter.end();
    if (rest !== undefined) await copy(rest);
  } catch {
    // The pipe was closed because the program ended; what it wrote before is copied.
  }
}

const textOf = (value: unknown): string =>
  typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value);
const fitsVariable = ([, value]: [string, string]): boolean =>
  Buffer.byteLength(value) <= MAX_VARIABLE_BYTES && !value.includes("\0");

function variablesOf(command: Command): Record<string, string> {
  const { inputs } = command;
  const all: Record<string, string> = {
    HOLDFAST_ACTION: command.action,
    HOLDFAST_TASK_ID: command.task_id,
    HOLDFAST_GOAL: textOf(inputs["goal"]),
    HOLDFAST_ROUND: textOf(inputs["round"]),
    HOLDFAST_ATTEMPT: String(command.retry.attempt),
    HOLDFAST_SNAPSHOT_ID: command.version.snapshot_id,
    HOLDFAST_IDEMPOTENCY_KEY: command.idempotency_key,
    HOLDFAST_INPUTS: JSON.stringify(inputs),
    HOLDFAST_EXPECTED_OUTPUTS: JSON.stringify(command.expected_outputs),
    HOLDFAST_COMMAND: JSON.stringify(command),
  };
  return Object.fromEntries(Object.entries(all).filter(fitsVariable));
}

/** The last of what a program wrote, for an event. */
export function tailOf(end: ProgramEnd): string {
  return end.output.join("\n").slice(-TAIL_LENGTH).toWellFormed();
}
