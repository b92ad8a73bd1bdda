import { Command, CommanderError } from "commander";
import type { Action, Status } from "./command-line/action.ts";
import { addAgentCommands } from "./command-line/agent.ts";
import { addEventsCommands } from "./command-line/events.ts";
import { addJobCommands } from "./command-line/job.ts";
import { addLedgerCommands } from "./command-line/ledger.ts";
import { addRunsCommands } from "./command-line/runs.ts";
import { addServeCommands } from "./command-line/serve.ts";
import { addSimulationCommands } from "./command-line/simulations.ts";
import { addSnapshotCommands } from "./command-line/snapshot.ts";
import { addStoreCommands } from "./command-line/store.ts";
import { addTaskCommands } from "./command-line/task.ts";
import { Context, type GlobalOptions } from "./context.ts";
import { EXIT, exitStatusOf, failureDocument, failureText } from "./failure.ts";
import type { Output } from "./output.ts";
import { printableLine } from "./table.ts";
import { VERSION } from "./version.ts";

interface Streams {
  readonly out: Output;
  readonly err: Output;
}

/**
 * Parses the arguments, runs the command they name, and resolves with its exit status.
 * A failure is printed here, once, in the form asked for.
 */
export async function runProgram(args: readonly string[], streams: Streams): Promise<number> {
  let status: Status;
  const program = createProgram(streams, (result) => {
    status = result;
  });
  if (args[0] === "completion" || args[0] === "complete") {
    const { default: addCompletion } = await import("@bomb.sh/tab/commander");
    dropCommand(program, "completion");
    addCompletion(program, { completionCommandName: "completion" });
  }
  const json = args.slice(0, args.includes("--") ? args.indexOf("--") : undefined).includes("--json");
  try {
    if (args.length === 0) {
      await streams.err.write(program.helpInformation());
      return EXIT.usage;
    }
    await program.parseAsync(args, { from: "user" });
    return status ?? EXIT.done;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return EXIT.done;
      await printUsageError(error, json, streams);
      return EXIT.usage;
    }
    const options = program.opts<GlobalOptions>();
    if (json) await streams.out.write(`${JSON.stringify(failureDocument(error))}\n`);
    else await streams.err.write(failureText(error, { verbose: options.verbose === true }));
    return exitStatusOf(error);
  }
}

async function printUsageError(error: CommanderError, json: boolean, { out, err }: Streams): Promise<void> {
  const message = error.message.replace(/^error: /, "").trim();
  if (json) await out.write(`${JSON.stringify({ error: { code: "USAGE", message, details: {} } })}\n`);
  else
    await err.write(
      `holdfast: USAGE: ${printableLine(message.replace(/\n\(Did/g, " (Did"))}; see holdfast --help\n`,
    );
}

function dropCommand(program: Command, name: string): void {
  const commands = program.commands as Command[];
  const index = commands.findIndex((command) => command.name() === name);
  if (index >= 0) commands.splice(index, 1);
}

/** The command line, as data: names, arguments, options. Each command's code is loaded when it is called. */
function createProgram(streams: Streams, done: (status: Status) => void): Command {
  const program = new Command("holdfast");
  program
    .description(
      "Keeps the state of long-running agent workflows and simulations on disk: run, kill it, resume, verify.",
    )
    .version(VERSION, "--version", "print the version")
    .helpOption("--help", "show help")
    .helpCommand(false)
    .option("--root <dir>", "the store (default: $HOLDFAST_ROOT, or .holdfast)")
    .option("--json", "one JSON document, or NDJSON for lists, on stdout and nothing else there")
    .option("--quiet", "no progress and no remarks")
    .option("--verbose", "more about what happens, and the causes of a failure")
    .option("--no-color", "no colour (also NO_COLOR)")
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .configureOutput({
      writeOut: (text) => void streams.out.write(text),
      writeErr: () => {},
    })
    .showSuggestionAfterError(true)
    .exitOverride();

  const action: Action =
    <Arguments extends unknown[]>(run: (context: Context, ...args: Arguments) => Promise<Status>) =>
    async (...given: unknown[]): Promise<void> => {
      // The last is the command itself.
      const args = given.slice(0, -1) as Arguments;
      const { openStore } = await import("./open-store.ts");
      await using context = new Context(program.opts<GlobalOptions>(), { ...streams, openStore });
      done(await run(context, ...args));
    };

  addRunsCommands(program, action);
  addSimulationCommands(program, action);
  addEventsCommands(program, action);
  addLedgerCommands(program, action);
  addSnapshotCommands(program, action);
  addTaskCommands(program, action);
  addStoreCommands(program, action);
  addServeCommands(program, action);
  addJobCommands(program, action);
  addAgentCommands(program, action);

  // The real one is put in its place when it is called: its library costs start-up time.
  program
    .command("completion")
    .description("print the completion script of a shell")
    .addArgument(program.createArgument("<shell>").choices(["bash", "zsh", "fish"]));

  return program;
}
