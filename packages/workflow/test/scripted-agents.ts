import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Command, LedgerEvent } from "@holdfast/ledger";
import type { AgentSupervisor, Outcome, SupervisorOptions } from "../src/index.ts";

/** What an agent does with a command: files it writes and how it ends. */
export interface Answer {
  readonly files?: Readonly<Record<string, string>>;
  /** Files that are written and not declared. */
  readonly undeclared?: Readonly<Record<string, string>>;
  readonly event?: string;
  readonly status?: string;
  readonly payload?: Record<string, unknown>;
  /** Changes what is declared of the files. */
  readonly declare?: (artifact: { path: string; sha256: string; size: number }) => {
    path: string;
    sha256: string;
    size: number;
  };
  readonly observed?: string;
  readonly fail?: Extract<Outcome, { kind: "failed" }>;
  /** Called before the terminal event is recorded. */
  readonly before?: () => void;
}

/** A command that was sent. */
export interface Sent {
  readonly key: string;
  readonly correlation: string;
  readonly action: string;
  readonly attempt: number;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly snapshot: string;
}

const close = (): Promise<void> => Promise.resolve();

/** Agents in this process, that answer by a function. Ids repeat only when the same world is used again. */
export function scriptedAgents(
  workspace: string,
  answer: (command: Command, nth: number) => Answer,
  newId: () => string,
) {
  const sent: Sent[] = [];
  const write = (path: string, content: string): { path: string; sha256: string; size: number } => {
    const place = join(workspace, path);
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(place, content);
    return {
      path,
      sha256: `sha256:${createHash("sha256").update(content).digest("hex")}`,
      size: Buffer.byteLength(content),
    };
  };

  const createSupervisor = (options: SupervisorOptions): AgentSupervisor => {
    const execute = async (
      agent: string,
      command: Command,
      { signal }: { signal?: AbortSignal } = {},
    ): Promise<Outcome> => {
      sent.push({
        key: command.idempotency_key,
        correlation: command.correlation_id,
        action: command.action,
        attempt: command.retry.attempt,
        inputs: command.inputs,
        snapshot: command.version.snapshot_id,
      });
      const said = answer(command, sent.filter((one) => one.correlation === command.correlation_id).length);
      const event = (name: string, rest: Partial<LedgerEvent>): LedgerEvent => ({
        kind: "event",
        message_id: newId(),
        correlation_id: command.correlation_id,
        task_id: command.task_id,
        from: { agent_type: agent, agent_id: `${agent}-1` },
        event: name,
        payload: {},
        occurred_at: "2026-01-02T03:04:05.000000Z",
        ...rest,
      });
      const artifacts = Object.entries(said.files ?? {})
        .map(([path, content]) => write(path, content))
        .map(said.declare ?? ((artifact) => artifact));
      for (const [path, content] of Object.entries(said.undeclared ?? {})) write(path, content);
      if (artifacts.length > 0) await options.record(event("artifact.produced", { artifacts }));
      said.before?.();
      if (signal?.aborted === true) {
        return { kind: "failed", reason: "aborted", code: "AGENT_ABORTED", message: "aborted", fatal: true };
      }
      if (said.fail !== undefined) return said.fail;
      const terminal = event(said.event ?? "error", {
        ...(said.status === undefined ? {} : { status: said.status }),
        ...(said.payload === undefined ? {} : { payload: said.payload }),
        ...(said.observed === undefined ? {} : { observed_version: { snapshot_id: said.observed } }),
      });
      await options.record(options.redactor?.message(terminal) ?? terminal);
      return { kind: "terminal", event: terminal };
    };
    return { execute, close, [Symbol.asyncDispose]: close };
  };
  return { sent, createSupervisor };
}

/** The default loop with one round of changes: what each agent does follows from the command alone, so that doing it again changes nothing. */
export function usualAnswers(command: Command): Answer {
  const round = Number(command.inputs["round"]);
  switch (command.action) {
    case "implement":
      return {
        files: { "src/a.mjs": "export const a = 1;\n" },
        event: "builder.completed",
        status: "success",
        payload: { tests: { status: "pass" } },
      };
    case "implement_changes":
      return {
        files: { "src/a.mjs": `export const a = ${round + 1};\n`, "tests/a.test.mjs": "test\n" },
        event: "builder.completed",
        status: "success",
      };
    case "review":
      return round === 1
        ? { event: "review.completed", status: "changes_requested", payload: { comments: ["write a test"] } }
        : { event: "review.completed", status: "approved" };
    default:
      return { files: { "specs/a.md": "# a\n" }, event: "spec.updated" };
  }
}
