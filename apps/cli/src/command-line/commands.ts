import type { Command } from "commander";
import type { Action } from "./action.ts";
import { addAgentCommands } from "./agent.ts";
import { addEventsCommands } from "./events.ts";
import { addJobCommands } from "./job.ts";
import { addLedgerCommands } from "./ledger.ts";
import { addRunsCommands } from "./runs.ts";
import { addServeCommands } from "./serve.ts";
import { addSimulationCommands } from "./simulations.ts";
import { addSnapshotCommands } from "./snapshot.ts";
import { addStoreCommands } from "./store.ts";
import { addTaskCommands } from "./task.ts";

/** All commands, in the order of the help text: who adds them, and what they are called. */
export const COMMANDS: readonly (readonly [
  add: (program: Command, action: Action) => void,
  ...names: readonly string[],
])[] = [
  [addRunsCommands, "run", "resume", "runs", "status", "show"],
  [addSimulationCommands, "fork", "replay", "checkpoints", "checkpoint"],
  [addEventsCommands, "events", "causality"],
  [addLedgerCommands, "ledger", "receipts"],
  [addSnapshotCommands, "snapshot"],
  [addTaskCommands, "task"],
  [addStoreCommands, "init", "verify", "repair", "gc", "schemas", "doctor"],
  [addServeCommands, "serve"],
  [addJobCommands, "job"],
  [addAgentCommands, "mock-agent", "agent"],
  // Not made alone: what it prints is about all of them.
  [addCompletionCommand],
];

/**
 * Adds the commands that the arguments need: those made together with the one they name, which spares a tenth of the time of a
 * short command; all of them, where they name none.
 *
 * @throws {CommanderError} For an option of the program without its value.
 */
export function addCommands(program: Command, action: Action, args: readonly string[]): void {
  const [name = ""] = program.parseOptions([...args]).operands;
  const named = COMMANDS.filter(([, ...names]) => names.includes(name));
  for (const [add] of named.length === 0 ? COMMANDS : named) add(program, action);
}

/** The real one is put in its place when it is called: its library costs start-up time. */
function addCompletionCommand(program: Command): void {
  program
    .command("completion")
    .description("print the completion script of a shell")
    .addArgument(program.createArgument("<shell>").choices(["bash", "zsh", "fish"]));
}
