import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Command, type LogMessage, type Message, TERMINAL_EVENTS } from "@holdfast/ledger";
import type { MockAgentOptions } from "../src/agent.ts";
import { type AgentSpec, agentSupervisor, createRedactor, type SupervisorOptions } from "../src/index.ts";

/** Programs in TypeScript start three times as fast the second time. */
export const cachedEnv = {
  ...process.env,
  NODE_COMPILE_CACHE: fileURLToPath(new URL("../node_modules/.cache/compile", import.meta.url)),
};

const program = (name: string): string[] => [
  process.execPath,
  "--conditions=holdfast-source",
  fileURLToPath(new URL(`agents/${name}.ts`, import.meta.url)),
];

/** The command line of a mock agent in a process of its own. */
export const mockCmd = (options: Partial<MockAgentOptions> = {}): string[] => [
  ...program("mock"),
  JSON.stringify({ heartbeatIntervalMs: 0, ...options }),
];

/** The command line of `agent exec` around another one. */
export const execCmd = (...command: string[]): string[] => [...program("exec"), ...command];

/**
 * An agent of a few lines. `on(command, say, event)` is called for each command: `say` writes a line, `event` one with what the
 * protocol asks for.
 */
export const scriptCmd = (on: string): string[] => [
  process.execPath,
  "--input-type=module",
  "-e",
  `import { createInterface } from "node:readline";
   const say = (line) => process.stdout.write((typeof line === "string" ? line : JSON.stringify(line)) + "\\n");
   const on = async (command, event, say) => { ${on} };
   let n = 0;
   for await (const line of createInterface({ input: process.stdin })) {
     const command = JSON.parse(line);
     const { correlation_id, task_id } = command;
     const from = { agent_type: "builder" };
     await on(command, (event, more = {}) => say({ kind: "event", message_id: process.pid + "-" + n++, correlation_id, task_id, from, event, payload: {}, occurred_at: new Date().toISOString(), ...more }), say);
   }`,
];

/** A supervisor with agents of real processes, and everything it recorded. */
export class Supervised implements AsyncDisposable {
  readonly workspace = realpathSync(mkdtempSync(join(tmpdir(), "holdfast-agents-")));
  readonly messages: Message[] = [];
  readonly stderr: string[] = [];
  readonly supervisor: ReturnType<typeof agentSupervisor>;
  #commands = 0;

  constructor(agent: AgentSpec | readonly string[], options: Partial<SupervisorOptions> = {}) {
    const env = options.env ?? cachedEnv;
    this.supervisor = agentSupervisor({
      runId: "run-20260102-030405-00000001",
      agents: { builder: "cmd" in agent ? agent : { cmd: agent } },
      workspace: this.workspace,
      configDir: this.workspace,
      terminalEvents: new Set(TERMINAL_EVENTS),
      redactor: createRedactor({ env }),
      random: () => 0,
      graceMs: 500,
      record: async (message) => {
        this.messages.push(message);
      },
      recordStderr: async (_agent, line) => {
        this.stderr.push(line);
      },
      ...options,
      env,
    });
  }

  command(more: Partial<Command> = {}): Command {
    this.#commands += 1;
    return {
      kind: "command",
      message_id: `command-${this.#commands}`,
      correlation_id: `correlation-${this.#commands}`,
      task_id: "T-1",
      idempotency_key: `ik:${"0".repeat(64)}`,
      to: { agent_type: "builder" },
      action: "implement",
      inputs: { goal: "make it", round: 1 },
      expected_outputs: [],
      version: { snapshot_id: "snap-000000000000" },
      deadline: "2026-01-02T03:04:05.000000Z",
      retry: { attempt: 0, max_attempts: 3 },
      priority: 0,
      ...more,
    };
  }

  execute(more: Partial<Command> = {}, options: { timeoutMs?: number; signal?: AbortSignal } = {}) {
    return this.supervisor.execute("builder", this.command(more), { timeoutMs: 20_000, ...options });
  }

  events(): string[] {
    return this.messages.filter((message) => message.kind === "event").map((message) => message.event);
  }

  /** What was remarked as a problem of this kind. */
  problems(problem: string): LogMessage[] {
    return this.messages
      .filter((message) => message.kind === "log")
      .filter(({ fields }) => fields?.["problem"] === problem);
  }

  /** Process numbers of the agents that were started, in order. */
  pids(): number[] {
    return this.messages
      .filter((message) => message.kind === "log")
      .map(({ fields }) => fields?.["agent_process"] as { pid: number } | undefined)
      .flatMap((started) => (started === undefined ? [] : [started.pid]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.supervisor.close();
    rmSync(this.workspace, { recursive: true, force: true });
  }
}

/** Whether a process runs; one that only waits to be reaped does not. */
export async function isRunning(pid: number): Promise<boolean> {
  const { processIdentity } = await import("../src/supervisor/process-identity.ts");
  return processIdentity(pid) !== undefined;
}
