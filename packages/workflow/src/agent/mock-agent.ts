import { setTimeout as delay } from "node:timers/promises";
import type { Artifact, Command } from "@holdfast/ledger";
import type { AgentContext } from "./agent-context.ts";
import { AgentFailure } from "./agent-failure.ts";
import type { AgentIo, ServeResult } from "./agent-io.ts";
import {
  type AgentScript,
  type AgentScriptInput,
  agentScriptSchema,
  type ScriptArtifact,
  type ScriptEvent,
  type ScriptResponse,
} from "./agent-script.ts";
import { artifactOf, describeArtifact, writeWorkspaceFile } from "./artifact.ts";
import { serveWire, type Wire } from "./serve-agent.ts";

/** Failures of a mock agent, for every response it gives while a command's attempt is below `attempts`. */
export interface MockFailures {
  /** Ends the process before an event of this name, or before any event (`*`). */
  readonly crashBefore?: string;
  /** Ends the process right after an event of this name, or after the first (`*`). */
  readonly crashAfter?: string;
  /** Exit status of a crash. Default 1. */
  readonly exitCode?: number;
  /** Never sends the last event. */
  readonly hang?: boolean;
  /** Writes this line, which is no message, before the events. */
  readonly garbage?: string;
  /** Writes a line of so many bytes before the events. */
  readonly oversizedBytes?: number;
  /** Sends each event twice. */
  readonly duplicate?: boolean;
  /** Sends each event for another command first. */
  readonly wrongCorrelation?: boolean;
  /** Stops sending heartbeats when it gets a command. */
  readonly stopHeartbeats?: boolean;
  /** Attempts that fail, counted by the command's `retry.attempt`, which a restart does not forget. Default: all. */
  readonly attempts?: number;
}

/** What a mock agent is and does. */
export interface MockAgentOptions extends AgentIo {
  /** Role: `builder`, `reviewer`, `spec_maintainer`, or the name of an agent of a configuration. */
  readonly type: string;
  readonly id?: string;
  /** What it does for the actions named there. */
  readonly script?: AgentScriptInput;
  /** Reviews that request changes before one approves; for `review` without a script. Default 0. */
  readonly reviewChangesCount?: number;
  /** Times `update_spec` requests changes before it updates; without a script. Default 0. */
  readonly specChangesCount?: number;
  readonly failures?: MockFailures;
  /** Ends the process for a crash. Default `process.exit`. */
  readonly exit?: (code: number) => void;
}

/** An agent that speaks the protocol when it is served. */
export interface ReadyAgent {
  /** Serves until the input ends or a signal comes. The caller ends the process. */
  serve(): Promise<ServeResult>;
}

/**
 * Makes an agent that follows a script, for tests of workflows.
 *
 * An action without a script succeeds: `implement` and `implement_changes` write the expected outputs that are missing and send
 * `builder.completed`; `review` approves, `update_spec` updates, `intake` and `task_discovery` send `orchestration.proposed_tasks`.
 *
 * A list of responses is for the first, second, ... time that the action is asked for: the place is the command's round and attempt
 * (`inputs.round - 1 + retry.attempt`, both from the ledger), so a restarted process goes on where the last one was; later commands of
 * the same process go on from there one by one.
 *
 * @throws {ZodError} When the script is not one.
 */
export function createMockAgent(options: MockAgentOptions): ReadyAgent {
  const script: AgentScript = agentScriptSchema.parse(options.script ?? { responses: {} });
  const timeOf = createCounter();
  return {
    serve: () =>
      serveWire(options, async (context, wire) => {
        const response = await responseFor(context, timeOf(context.command), script, options);
        await respond(context, wire, withFailures(response, context.command, options.failures), options);
      }),
  };
}

/** What a response does, the failures of the command line included. */
interface MockResponse extends ScriptResponse {
  readonly crashBefore?: string | undefined;
  readonly crashAfter?: string | undefined;
  readonly stopHeartbeats?: boolean | undefined;
}

/** Counts how often an action was asked for, from 0. */
function createCounter(): (command: Command) => number {
  const next = new Map<string, number>();
  return (command) => {
    const round = command.inputs["round"];
    const told =
      (typeof round === "number" && Number.isSafeInteger(round) ? Math.max(round, 1) - 1 : 0) +
      command.retry.attempt;
    const time = Math.max(told, next.get(command.action) ?? 0);
    next.set(command.action, time + 1);
    return time;
  };
}

async function responseFor(
  context: AgentContext,
  time: number,
  script: AgentScript,
  options: MockAgentOptions,
): Promise<ScriptResponse> {
  const { command } = context;
  const scripted = Object.hasOwn(script.responses, command.action)
    ? script.responses[command.action]
    : undefined;
  if (Array.isArray(scripted)) return scripted[Math.min(time, scripted.length - 1)] ?? { events: [] };
  return scripted ?? (await defaultResponse(context, time, options));
}

async function defaultResponse(
  context: AgentContext,
  time: number,
  options: MockAgentOptions,
): Promise<ScriptResponse> {
  const { command } = context;
  switch (command.action) {
    case "implement":
    case "implement_changes":
      return {
        events: [
          {
            type: "builder.completed",
            status: "success",
            payload: {},
            artifacts: await expectedArtifacts(context),
          },
        ],
      };
    case "review":
      return time < (options.reviewChangesCount ?? 0)
        ? one("review.completed", "changes_requested", { comments: [`Change ${time + 1} requested`] })
        : one("review.completed", "approved");
    case "update_spec":
      return time < (options.specChangesCount ?? 0)
        ? one("spec.changes_requested", "changes_requested", { comments: [`Change ${time + 1} requested`] })
        : one("spec.updated", "success");
    case "intake":
    case "task_discovery":
      return one("orchestration.proposed_tasks", "success", { tasks: [] });
    default:
      throw new AgentFailure(
        "UNKNOWN_ACTION",
        `The mock agent has no response for action "${command.action}"; write one in its script`,
      );
  }
}

function one(type: string, status: string, payload: ScriptEvent["payload"] = {}): ScriptResponse {
  return { events: [{ type, status, payload }] };
}

async function expectedArtifacts(context: AgentContext): Promise<ScriptArtifact[]> {
  const content = `Made by the mock agent for ${context.command.task_id}.\n`;
  return Promise.all(
    context.command.expected_outputs.map(async ({ path }) => {
      const existing = await describeArtifact(context.workspace, path).catch(() => undefined);
      return existing === undefined ? { path, content } : { path };
    }),
  );
}

function withFailures(response: ScriptResponse, command: Command, failures: MockFailures = {}): MockResponse {
  if (command.retry.attempt >= (failures.attempts ?? Infinity)) return response;
  return {
    ...response,
    hang: failures.hang ?? response.hang,
    garbage: failures.garbage ?? response.garbage,
    oversized_bytes: failures.oversizedBytes ?? response.oversized_bytes,
    duplicate: failures.duplicate ?? response.duplicate,
    wrong_correlation: failures.wrongCorrelation ?? response.wrong_correlation,
    crash: response.crash,
    crashBefore: failures.crashBefore,
    crashAfter: failures.crashAfter,
    stopHeartbeats: failures.stopHeartbeats,
  };
}

async function respond(
  context: AgentContext,
  wire: Wire,
  response: MockResponse,
  options: MockAgentOptions,
): Promise<void> {
  const { signal } = context;
  const crash = async (): Promise<never> => {
    const exit = options.exit ?? ((code: number) => process.exit(code));
    exit(response.crash?.exit_code ?? options.failures?.exitCode ?? 1);
    // An exit that was replaced in a test returns: the command stays unanswered.
    return new Promise<never>(() => {});
  };
  const hang = async (): Promise<void> => {
    wire.leaveOpen();
    if (!signal.aborted)
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  };
  if (response.stopHeartbeats === true) wire.stopHeartbeats();
  await pause(response.delay_ms, signal);
  if (response.garbage !== undefined) await wire.write(response.garbage);
  if (response.oversized_bytes !== undefined) await wire.write("x".repeat(response.oversized_bytes));
  const events = [...response.events, ...errorEvent(response.error)];
  for (const [index, event] of events.entries()) {
    if (response.crash?.after_events === index) await crash();
    if (matches(response.crashBefore, event.type)) await crash();
    if (response.hang === true && index === events.length - 1) return hang();
    await pause(event.delay_ms, signal);
    if (signal.aborted) return wire.leaveOpen();
    await sendEvent(context, wire, event, response);
    if (matches(response.crashAfter, event.type)) await crash();
  }
  if (response.crash !== undefined) await crash();
  if (response.hang === true) return hang();
  // A script may end without a terminal event on purpose: the orchestrator must notice.
  wire.leaveOpen();
}

async function sendEvent(
  context: AgentContext,
  wire: Wire,
  event: ScriptEvent,
  response: MockResponse,
): Promise<void> {
  const artifacts: Artifact[] = [];
  for (const artifact of event.artifacts ?? [])
    artifacts.push(await makeArtifact(context.workspace, artifact));
  const details = {
    ...(event.status === undefined ? {} : { status: event.status }),
    payload: event.payload ?? {},
    ...(artifacts.length === 0 ? {} : { artifacts }),
  };
  const line = wire.eventLine(event.type, details);
  if (context.signal.aborted) return;
  if (response.wrong_correlation === true) {
    await wire.write(
      wire.eventLine(event.type, details, {
        correlationId: `not-${context.command.correlation_id}`.slice(0, 256),
      }),
    );
  }
  await wire.write(line);
  if (response.duplicate === true) await wire.write(line);
}

/** An artifact as the script says it; a path that leaves the workspace is said, but never written. */
async function makeArtifact(workspace: string, artifact: ScriptArtifact): Promise<Artifact> {
  const { path, content } = artifact;
  let actual: Artifact | undefined;
  if (content !== undefined) {
    actual = artifactOf(path, content);
    await writeWorkspaceFile(workspace, path, content).catch((error: unknown) => {
      if (!(error instanceof TypeError)) throw error;
    });
  } else if (artifact.sha256 === undefined || artifact.size === undefined) {
    actual = await describeArtifact(workspace, path);
  }
  return { path, sha256: artifact.sha256 ?? actual?.sha256 ?? "", size: artifact.size ?? actual?.size ?? 0 };
}

function errorEvent(error: ScriptResponse["error"]): ScriptEvent[] {
  if (error === undefined || error === false) return [];
  const payload =
    typeof error === "object"
      ? error
      : { code: "MOCK_ERROR", message: error === true ? "The script says so" : error };
  return [{ type: "error", status: "failed", payload }];
}

const matches = (wanted: string | undefined, event: string): boolean => wanted === "*" || wanted === event;

async function pause(ms: number | undefined, signal: AbortSignal): Promise<void> {
  if (ms === undefined || ms === 0) return;
  await delay(ms, undefined, { signal }).catch(() => {});
}
