import { CommandError, EXIT, failureText } from "./failure.ts";
import { Output } from "./output.ts";
import { runProgram } from "./program.ts";

/** Runs the command with its arguments and resolves with the exit status. Nothing here ends the process. */
export async function main(args: readonly string[]): Promise<number> {
  const streams = { out: new Output(process.stdout), err: new Output(process.stderr) };
  const status = await runProgram(args, streams);
  await streams.out.settled();
  const { failure } = streams.out;
  if (failure === undefined) return status;
  const error = new CommandError(
    "OUTPUT_FAILED",
    `Cannot write the result to stdout: ${failure.message}; what the command did is kept, ask for it again`,
    EXIT.failed,
    { cause: failure },
  );
  await streams.err.write(failureText(error, { verbose: args.includes("--verbose") }));
  return status === EXIT.done ? EXIT.failed : status;
}
