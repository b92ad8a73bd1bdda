import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import type { Artifact, Command } from "@holdfast/ledger";
import { type SnapshotManifest, takeSnapshot } from "@holdfast/snapshot";
import { createOutputSplitter, type OutputLine } from "../supervisor/output-splitter.ts";
import { isRecord } from "../unknown-value.ts";
import type { AgentContext } from "./agent-context.ts";
import { describeArtifact } from "./artifact.ts";
import type { ReadyAgent } from "./mock-agent.ts";
import { AgentFailure, type AgentIo, serveAgent } from "./serve-agent.ts";

/** How a command line becomes an agent. */
export interface ExecAgentOptions extends AgentIo {
  /** Role of the agent. Default: `HOLDFAST_AGENT` of the environment, or `exec`. */
  readonly type?: string;
  readonly id?: string;
  /** Event of a command that ended with status 0, for actions without one of their own. Default `<action>.completed`. */
  readonly completed?: string;
  /** Environment of the command, besides what it is told. Default `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Where the command's stdout and stderr go. Default `process.stderr`. */
  readonly errorOutput?: Writable;
  /** Milliseconds between SIGTERM and SIGKILL. Default 5,000. */
  readonly graceMs?: number;
}

const DEFAULT_GRACE_MS = 5_000;
const TAIL_LINES = 20;
const TAIL_LENGTH = 4_000;
const OUTPUT_LINE_BYTES = 65_536;
const DRAIN_MS = 1_000;
/** Linux takes at most 128 KiB in one variable. */
const MAX_VARIABLE_BYTES = 100_000;
const MAX_EVENT_ARTIFACT_BYTES = 128_000;

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/**
 * Makes an agent of any command line.
 *
 * For each command the program is started in the workspace, with the command as one line of JSON on stdin and as variables: `HOLDFAST_ACTION`,
 * `HOLDFAST_TASK_ID`, `HOLDFAST_GOAL`, `HOLDFAST_ROUND`, `HOLDFAST_ATTEMPT`, `HOLDFAST_SNAPSHOT_ID`, `HOLDFAST_IDEMPOTENCY_KEY`,
 * `HOLDFAST_INPUTS` and `HOLDFAST_EXPECTED_OUTPUTS` (JSON), `HOLDFAST_COMMAND` (all of it, JSON). A value of more than 100,000 bytes is on stdin only.
 *
 * | action | status 0 | status 1 | other |
 * | --- | --- | --- | --- |
 * | `implement`, `implement_changes` | `builder.completed` | `error` | `error` |
 * | `review` | `review.completed`, approved | `review.completed`, changes_requested | `error` |
 * | `update_spec` | `spec.updated`, or `spec.no_changes_needed` when it changed nothing | `error` | `error` |
 * | others | the `completed` option, or `<action>.completed` | `error` | `error` |
 *
 * A last line of stdout that is a JSON object with an `outcome` (the answer to a step of a job: `{"outcome": "STUCK", "summary": "...", "cost": 0.1}`)
 * becomes part of the event's payload. Files that differ after it, by content, are the artifacts, and so are the expected outputs that exist; what it removed is named in the payload.
 * Hidden files and what snapshots leave out by default are not looked at. The last lines it wrote are in the payload when it does not approve.
 * The program stays in the agent's process group, so that it ends with it.
 *
 * @param command - Program and arguments.
 * @throws {TypeError} Without a program.
 */
export function createExecAgent(command: readonly string[], options: ExecAgentOptions = {}): ReadyAgent {
  const [program, ...args] = command;
  if (program === undefined || program === "")
    throw new TypeError("A command is needed: agent exec -- CMD...");
  const type = options.type ?? process.env["HOLDFAST_AGENT"] ?? "exec";
  let last: SnapshotManifest | undefined;
  const look = async (context: AgentContext): Promise<SnapshotManifest> => {
    last = await takeSnapshot(context.workspace, {
      include: ["."],
      previous: last,
      onProblem: "skip",
      signal: context.signal,
    });
    return last;
  };
  const handle = async (context: AgentContext): Promise<void> => {
    const before = await look(context);
    const end = await runProgram(program, args, context, options);
    if (context.signal.aborted) return;
    const changes = compare(before, await look(context));
    await answer(context, end, changes, options);
  };
  return { serve: () => serveAgent({ ...options, type, handle }) };
}

/** How the program ended. */
interface ProgramEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Its last lines. */
  readonly output: readonly string[];
  /** What its last line of stdout says as an answer. */
  readonly answer: Readonly<Record<string, unknown>>;
}

/** What differs in the workspace. */
interface Changes {
  readonly written: readonly Artifact[];
  readonly removed: readonly string[];
}

async function runProgram(
  program: string,
  args: readonly string[],
  context: AgentContext,
  options: ExecAgentOptions,
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

function compare(before: SnapshotManifest, after: SnapshotManifest): Changes {
  const old = new Map(before.files.map((file) => [file.path, file.sha256]));
  const written: Artifact[] = [];
  for (const { path, sha256, size } of after.files) {
    if (old.get(path) !== sha256) written.push({ path, sha256, size });
    old.delete(path);
  }
  return { written, removed: [...old.keys()] };
}

async function answer(
  context: AgentContext,
  end: ProgramEnd,
  changes: Changes,
  options: ExecAgentOptions,
): Promise<void> {
  const event = eventOf(context.action, end, changes, options);
  if (event === undefined) {
    const how = end.signal === null ? `with status ${end.code ?? "unknown"}` : `by ${end.signal}`;
    throw new AgentFailure("COMMAND_FAILED", `The command ended ${how}`, {
      ...end.answer,
      exit_status: end.code,
      signal: end.signal,
      output: tailOf(end),
    });
  }
  const rest = await sendArtifacts(context, await withExpected(context, changes.written));
  const payload = {
    ...end.answer,
    exit_status: end.code,
    ...(changes.removed.length > 0
      ? { removed: changes.removed.slice(0, 100), removed_count: changes.removed.length }
      : {}),
    ...(event.status === "changes_requested" ? { output: tailOf(end) } : {}),
  };
  await context.complete(event.name, { status: event.status, payload, artifacts: rest });
}

function eventOf(
  action: string,
  end: ProgramEnd,
  changes: Changes,
  options: ExecAgentOptions,
): { readonly name: string; readonly status: string } | undefined {
  if (action === "review" && end.code === 1) return { name: "review.completed", status: "changes_requested" };
  if (end.code !== 0) return undefined;
  switch (action) {
    case "implement":
    case "implement_changes":
      return { name: "builder.completed", status: "success" };
    case "review":
      return { name: "review.completed", status: "approved" };
    case "update_spec": {
      const changed = changes.written.length > 0 || changes.removed.length > 0;
      return { name: changed ? "spec.updated" : "spec.no_changes_needed", status: "success" };
    }
    default:
      return { name: options.completed ?? `${action}.completed`, status: "success" };
  }
}

/** The artifacts, and the expected outputs among the files that were there already: an interrupted command may have made them. */
async function withExpected(context: AgentContext, written: readonly Artifact[]): Promise<Artifact[]> {
  const known = new Set(written.map(({ path }) => path));
  const all = [...written];
  for (const { path } of context.command.expected_outputs) {
    if (known.has(path)) continue;
    const artifact = await describeArtifact(context.workspace, path).catch(() => undefined);
    if (artifact !== undefined && !known.has(artifact.path)) all.push(artifact);
    known.add(path);
  }
  return all;
}

/** Sends artifacts in events of their own while they are too many for one message; gives the rest. */
async function sendArtifacts(context: AgentContext, artifacts: readonly Artifact[]): Promise<Artifact[]> {
  let batch: Artifact[] = [];
  let bytes = 0;
  for (const artifact of artifacts) {
    const size = Buffer.byteLength(JSON.stringify(artifact)) + 1;
    if (bytes + size > MAX_EVENT_ARTIFACT_BYTES) {
      await context.event("artifact.produced", { artifacts: batch });
      batch = [];
      bytes = 0;
    }
    batch.push(artifact);
    bytes += size;
  }
  return batch;
}

function tailOf(end: ProgramEnd): string {
  return end.output.join("\n").slice(-TAIL_LENGTH).toWellFormed();
}
