import { type Command, Option } from "commander";
import type { Action } from "./action.ts";

/** Commands that read what a workflow recorded. */
export function addLedgerCommands(program: Command, action: Action): void {
  program
    .command("ledger")
    .description("the messages of a run, in order")
    .argument("<run>", "run id")
    .option("--pending", "only commands without an answer")
    .option("--terminal", "only events that end a step")
    .addOption(
      new Option("--kind <kind>", "only this kind").choices(["command", "event", "heartbeat", "log"]),
    )
    .action(
      action(
        async (context, run: string, options: { pending?: boolean; terminal?: boolean; kind?: string }) =>
          (await import("../commands/ledger.ts")).ledger(context, run, options),
      ),
    );

  program
    .command("receipts")
    .description("the proofs of the finished steps of a run")
    .argument("<run>", "run id")
    .option("--task <id>", "only this task")
    .action(
      action(async (context, run: string, options: { task?: string }) =>
        (await import("../commands/receipts.ts")).receipts(context, run, options),
      ),
    );
}
