import type { Command } from "commander";
import type { ServeCommandOptions } from "../commands/serve.ts";
import type { Action } from "./action.ts";
import { wholeNumber } from "./option-values.ts";

const each = (value: string, before: readonly string[] = []): string[] => [...before, value];

/** The command that serves the store over HTTP. */
export function addServeCommands(program: Command, action: Action): void {
  program
    .command("serve")
    .description("answer questions about the store over HTTP, read-only, until it is stopped")
    .option("--port <n>", "port; 0 takes a free one (default: 8787)", wholeNumber("--port"))
    .option(
      "--host <address>",
      "address to listen on; beyond this machine it needs a token (default: 127.0.0.1)",
    )
    .option("--cors-origin <origin>", "pages of this origin may read answers; repeat for more", each)
    .option("--allow-host <name>", "answer to this name too, such as a proxy's; repeat for more", each)
    .option("--token <token>", "what requests must carry as a bearer token (better: $HOLDFAST_TOKEN)")
    .action(
      action(async (context, options: ServeCommandOptions) =>
        (await import("../commands/serve.ts")).serve(context, options),
      ),
    );
}
