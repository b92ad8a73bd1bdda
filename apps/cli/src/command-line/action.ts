import type { Context } from "../context.ts";

/** What a command's action resolves with: the exit status, or nothing for 0. */
export type Status = number | undefined;

/** Makes what commander calls of a command: it gets a context, which is closed afterwards whatever happened. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the commands say what they take
export type Action = <Arguments extends unknown[]>(
  run: (context: Context, ...args: Arguments) => Promise<Status>,
) => (...given: unknown[]) => Promise<void>;
