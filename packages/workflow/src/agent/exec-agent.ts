import type { Artifact } from "@holdfast/ledger";
import { type SnapshotManifest, takeSnapshot } from "@holdfast/snapshot";
import type { AgentContext } from "./agent-context.ts";
import { AgentFailure } from "./agent-failure.ts";
import type { AgentIo } from "./agent-io.ts";
import { describeArtifact } from "./artifact.ts";
import type { ReadyAgent } from "./mock-agent.ts";
import { type ProgramEnd, type RunProgramOptions, runProgram, tailOf } from "./run-program.ts";
import { serveAgent } from "./serve-agent.ts";

/** How a command line becomes an agent. */
export interface ExecAgentOptions extends AgentIo, RunProgramOptions {
  /** Role of the agent. Default: `HOLDFAST_AGENT` of the environment, or `exec`. */
  readonly type?: string;
  readonly id?: string;
  /** Event of a command that ended with status 0, for actions without one of their own. Default `<action>.completed`. */
  readonly completed?: string;
}

const MAX_EVENT_ARTIFACT_BYTES = 128_000;

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

/** What differs in the workspace. */
interface Changes {
  readonly written: readonly Artifact[];
  readonly removed: readonly string[];
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
