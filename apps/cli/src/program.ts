import { Command, CommanderError } from "commander";
import type { Action, Status } from "./command-line/action.ts";
import { addCommands } from "./command-line/commands.ts";
import { Context, type GlobalOptions } from "./context.ts";
import { EXIT, exitStatusOf, failureDocument, failureText, firstFailure } from "./failure.ts";
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
  const program = createProgram(streams);
  const json = args.slice(0, args.includes("--") ? args.indexOf("--") : undefined).includes("--json");
  try {
    addCommands(
      program,
      actionOf(program, streams, (result) => {
        status = result;
      }),
      args,
    );
    if (args[0] === "completion" || args[0] === "complete") {
      const { default: addCompletion } = await import("@bomb.sh/tab/commander");
      dropCommand(program, "completion");
      addCompletion(program, { completionCommandName: "completion" });
    }
    if (args.length === 0) {
      await streams.err.write(program.helpInformation());
      return EXIT.usage;
    }
    await program.parseAsync(args, { from: "user" });
    return status ?? EXIT.done;
  } catch (caught) {
    const error = firstFailure(caught);
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

/** The command with the options of every command, and no command yet. */
function createProgram(streams: Streams): Command {
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
  return program;
}

/** What is called of a command: its code and that of the store are loaded by then, and not before. */
function actionOf(program: Command, streams: Streams, done: (status: Status) => void): Action {
  return <Arguments extends unknown[]>(run: (context: Context, ...args: Arguments) => Promise<Status>) =>
    async (...given: unknown[]): Promise<void> => {
      // The last is the command itself.
      const args = given.slice(0, -1) as Arguments;
      const { openStore } = await import("./open-store.ts");
      await using context = new Context(program.opts<GlobalOptions>(), { ...streams, openStore });
      done(await run(context, ...args));
    };
}
