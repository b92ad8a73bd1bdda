import { printableLine } from "./table.ts";

/** What the command ends with; the numbers are part of the contract with scripts. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  damaged: 4,
  held: 5,
  interrupted: 130,
} as const;

/** A failure the command itself finds: wrong usage, something that is not there. */
export class CommandError extends Error {
  override readonly name: string = "CommandError";
  readonly code: string;
  readonly exit: number;
  constructor(code: string, message: string, exit: number, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.exit = exit;
  }
}

const EXIT_BY_CODE: ReadonlyArray<readonly [RegExp, number]> = [
  [/_HELD$/, EXIT.held],
  [/^WORKFLOW_(?:SECRET_MISSING|JOB_CONFIG_MISSING|JOB_AGENT)$/, EXIT.usage],
  [/_(?:MISSING|NOT_FOUND)$/, EXIT.notFound],
  [/^(?:WORKFLOW_NO_TASK|EVENT_FILTER)$/, EXIT.usage],
  [/^(?:CONFIG_|USAGE)/, EXIT.usage],
  [/^(?:WORKFLOW|SIMULATION)_RUN_KIND$/, EXIT.usage],
  [/^SIMULATION_(?:MODULE|FORK_END)$/, EXIT.usage],
  [/^STORE_(?:KEY|NOT_A_STORE)$/, EXIT.usage],
  [/_(?:DAMAGED|NOT_JSON|SCHEMA|CHECKSUM|NEWER|NEWER_VERSION|NEWER_FORMAT)$/, EXIT.damaged],
  [/^CHECKPOINT_TURN$/, EXIT.damaged],
  [/^INTERRUPTED$/, EXIT.interrupted],
];

/** The exit status for an error, from its stable code. */
export function exitStatusOf(error: unknown): number {
  if (error instanceof CommandError) return error.exit;
  const code = codeOf(error);
  return EXIT_BY_CODE.find(([pattern]) => pattern.test(code))?.[1] ?? EXIT.failed;
}

/** What `Context.signal` was aborted with: the name of a signal. */
const isSignal = (error: unknown): error is string => typeof error === "string" && /^SIG[A-Z]+$/.test(error);

/**
 * The failure that a command ended with. Where closing what it worked on failed as well, which is no wonder on a failing disk, that
 * is what follows from it and not what there is to tell.
 */
export function firstFailure(error: unknown): unknown {
  const isSuppressing = error instanceof Error && error.name === "SuppressedError" && "suppressed" in error;
  return isSuppressing ? firstFailure(error.suppressed) : error;
}

/** The stable code of an error; `INTERNAL_ERROR` for one that has none, which is a fault of ours. */
export function codeOf(error: unknown): string {
  if (isSignal(error)) return "INTERRUPTED";
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === "string" ? code : "INTERNAL_ERROR";
}

/** What an error says. */
export function messageOf(error: unknown): string {
  if (isSignal(error))
    return `Stopped by ${error}; what was done is kept, the same command goes on from there`;
  return error instanceof Error ? error.message : String(error);
}

/** What `--json` prints for an error: its own data fields are the details. */
export function failureDocument(error: unknown): {
  error: { code: string; message: string; details: unknown };
} {
  const message = messageOf(error);
  return { error: { code: codeOf(error), message, details: detailsOf(error) } };
}

/** The one line a person sees, and the chain of causes when they asked for more. */
export function failureText(error: unknown, options: { readonly verbose: boolean }): string {
  const message = messageOf(error);
  const line = `holdfast: ${codeOf(error)}: ${printableLine(message)}\n`;
  if (!options.verbose || !(error instanceof Error)) return line;
  return `${line}${error.stack ?? ""}\n${causesOf(error)}`;
}

function causesOf(error: Error): string {
  let text = "";
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause)
    text += `caused by ${cause.stack ?? cause.message}\n`;
  return text;
}

function detailsOf(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return {};
  const details: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(error)) {
    if (["name", "code", "cause", "exit", "stack", "message"].includes(name) || value === undefined) continue;
    details[name] = typeof value === "bigint" ? String(value) : value;
  }
  if (error.cause instanceof Error) {
    details["cause"] = { code: codeOf(error.cause), message: error.cause.message };
  }
  return details;
}
