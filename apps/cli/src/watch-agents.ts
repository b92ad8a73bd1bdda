import { agentSupervisor, type RunOptions, type WorkflowMessage } from "@holdfast/workflow";
import type { Context } from "./context.ts";
import { withOwnCommand } from "./own-command.ts";
import { ProgressLine } from "./progress.ts";
import { counted, formatDuration, printable } from "./table.ts";

/** Options of a run whose agents work under the eyes of a terminal; a program named `holdfast` is this very command. */
export function watched(context: Context, onBegin: (runId: string) => void): RunOptions {
  const live = new ProgressLine(context);
  return {
    store: context.store(),
    signal: context.signal,
    createSupervisor: (options) => {
      const agents = Object.entries(options.agents).map(
        ([name, agent]) => [name, { ...agent, cmd: withOwnCommand(agent.cmd) }] as const,
      );
      return agentSupervisor({ ...options, agents: Object.fromEntries(agents) });
    },
    onMessage: (message) => {
      if ("progress" in message && message.progress.kind === "run") onBegin(message.progress.run_id);
      const line = progressText(message, context.verbose);
      if (line !== undefined) {
        live.clear();
        void context.note(line);
      } else if ("record" in message && message.record.message.kind === "heartbeat") {
        const { agent, status } = message.record.message;
        live.update(`  ${agent.agent_type} ${status}, last heard ${new Date().toISOString().slice(11, 19)}`);
      }
    },
  };
}

function progressText(message: WorkflowMessage, verbose: boolean): string | undefined {
  if ("progress" in message) {
    const note = message.progress;
    switch (note.kind) {
      case "run":
        return `${note.resumed ? "resuming" : "run"} ${note.run_id}, task ${note.task_id}`;
      case "step": {
        const round = note.round > 1 ? `, round ${note.round}` : "";
        const attempt = note.attempt > 0 ? `, attempt ${note.attempt + 1} of ${note.max_attempts}` : "";
        return `  ${String(note.step).padStart(2)} ${note.stage}: ${note.agent} ${note.action}${round}${attempt}`;
      }
      case "waiting":
        return `     waiting ${formatDuration(note.wait_ms)} before the next attempt`;
      case "warning":
        return `     warning: ${printable(note.message)}`;
      case "snapshot":
        return verbose ? `     snapshot ${note.snapshot_id}, ${note.files} files` : undefined;
      case "receipt":
        return verbose
          ? `     receipt of step ${note.step}, ${counted(note.artifacts, "artifact")}`
          : undefined;
    }
  }
  const { message: said } = message.record;
  if (said.kind === "event") {
    const status = said.status === undefined ? "" : ` (${said.status})`;
    const code =
      said.event === "error" ? ` ${textIn(said.payload, "code")} ${textIn(said.payload, "message")}` : "";
    return `     ${printable(`${said.from.agent_type}: ${said.event}${status}${code}`)}`;
  }
  if (said.kind === "log" && (verbose || said.level !== "info"))
    return `     ${printable(`${said.level}: ${said.message}`)}`;
  return undefined;
}

function textIn(payload: Readonly<Record<string, unknown>>, name: string): string {
  const value = payload[name];
  return typeof value === "string" ? value : "";
}
