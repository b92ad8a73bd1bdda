import type { Command } from "commander";
import type { MockAgentFlags } from "../commands/agent.ts";
import type { Action } from "./action.ts";
import { wholeNumber } from "./option-values.ts";

/** Commands that make programs agents. */
export function addAgentCommands(program: Command, action: Action): void {
  program
    .command("mock-agent")
    .description("a scripted agent for tests, over stdin and stdout")
    .option("--type <type>", "agent type", "builder")
    .option("--script <file>", "agent script (JSON)")
    .option(
      "--review-changes-count <n>",
      "ask for changes in this many reviews first",
      wholeNumber("--review-changes-count"),
    )
    .option(
      "--spec-changes-count <n>",
      "ask for changes in this many spec updates first",
      wholeNumber("--spec-changes-count"),
    )
    .option(
      "--heartbeat-interval <ms>",
      "milliseconds between heartbeats",
      wholeNumber("--heartbeat-interval"),
    )
    .option("--no-heartbeat", "send no heartbeats")
    .option("--crash-before [event]", "end the process before this event (default: before any)")
    .option("--crash-after [event]", "end the process right after this event (default: after the first)")
    .option("--exit-code <n>", "exit status of a crash", wholeNumber("--exit-code"))
    .option("--attempts <n>", "fail only so many attempts (default: all)", wholeNumber("--attempts"))
    .option("--hang", "never answer")
    .option("--garbage <text>", "write this line before the answer")
    .option("--oversized <bytes>", "write a line of this size before the answer", wholeNumber("--oversized"))
    .option("--duplicate", "send each event twice")
    .option("--wrong-correlation", "send each event under another correlation id first")
    .action(
      action(async (context, options: MockAgentFlags) =>
        (await import("../commands/agent.ts")).mockAgent(context, options),
      ),
    );

  const agent = program.command("agent").description("make programs agents");
  agent
    .command("exec")
    .description(
      "make any command an agent: its exit status is the answer, what it changed are the artifacts",
    )
    .argument("<command...>", "the command and its arguments, after --")
    .option("--type <type>", "agent type (default: its name in the config)")
    .option("--completed <event>", "the terminal event of success (default: by the action)")
    .action(
      action(async (context, command: string[], options: { type?: string; completed?: string }) =>
        (await import("../commands/agent.ts")).execAgent(context, command, options),
      ),
    );
}
