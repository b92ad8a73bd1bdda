import { checkEventFilter, EventError, type EventFilter, type EventType, eventLog } from "@holdfast/events";
import type { FileStore } from "@holdfast/storage";
import { runIdSchema } from "@holdfast/task-store";
import type { Context } from "../context.ts";
import { CommandError, EXIT } from "../failure.ts";
import { counted } from "../table.ts";
import { keepYoungGenerationSmall } from "../young-generation.ts";
import { eventLine } from "./event-line.ts";
import { requireRun } from "./runs.ts";

/** Options of `holdfast events`. */
export interface EventsOptions {
  readonly type?: readonly EventType[];
  readonly agent?: readonly string[];
  readonly turnStart?: number;
  readonly turnEnd?: number;
  readonly since?: string;
  readonly until?: string;
  readonly limit?: number;
  readonly offset?: number;
  readonly count?: boolean;
  readonly follow?: boolean;
}

/** Prints the events of a run that the options ask for, or how many they are, or goes on as they come. */
export async function events(
  context: Context,
  runId: string,
  options: EventsOptions,
): Promise<number | undefined> {
  keepYoungGenerationSmall();
  const store = context.store();
  await requireStream(store, runId);
  const filter = filterOf(options);
  if (options.count === true) return count(context, store, runId, filter, options);
  if (options.follow === true) return follow(context, store, runId, filter, options);
  const { limit, offset } = options;
  const log = eventLog(store, runId);
  let shown = 0;
  const selection = {
    ...filter,
    ...(limit !== undefined && { limit }),
    ...(offset !== undefined && { offset }),
  };
  for await (const event of log.select(selection, { signal: context.signal })) {
    if (!(await context.item(event, eventLine(context, event)))) return undefined;
    shown += 1;
  }
  const { total, corrupt_lines: corrupt } = await log.count(filter);
  if (corrupt > 0)
    await context.warn(
      `${counted(corrupt, "line")} of the stream can not be read; holdfast verify ${runId} says where`,
    );
  if (shown < total || shown === 0) await context.note(`${shown} of ${counted(total, "event")}`);
  return undefined;
}

/** A run that has a stream, or a state, or both: a stream can be read whatever became of the state. */
export async function requireStream(store: FileStore, runId: string): Promise<void> {
  if (runIdSchema.safeParse(runId).success && (await store.logs.list(`runs/${runId}/events`)).length > 0)
    return;
  await requireRun(store, runId);
}

async function count(
  context: Context,
  store: FileStore,
  runId: string,
  filter: EventFilter,
  { limit, offset, follow: isFollowing }: EventsOptions,
): Promise<undefined> {
  if (limit !== undefined || offset !== undefined || isFollowing === true)
    throw new CommandError(
      "USAGE",
      "--count counts all events that match; --limit, --offset and --follow do not go with it",
      EXIT.usage,
    );
  const { total, corrupt_lines } = await eventLog(store, runId).count(filter, { signal: context.signal });
  await context.result({ total, corrupt_lines }, `${total}\n`);
  return undefined;
}

async function follow(
  context: Context,
  store: FileStore,
  runId: string,
  filter: EventFilter,
  { limit = Number.POSITIVE_INFINITY, offset = 0 }: EventsOptions,
): Promise<number | undefined> {
  const { signal } = context;
  let seen = 0;
  for await (const event of eventLog(store, runId).follow(filter, { from: "start", signal })) {
    seen += 1;
    if (seen <= offset) continue;
    if (!(await context.item(event, eventLine(context, event)))) return undefined;
    if (seen >= offset + limit) return undefined;
  }
  return context.interrupted ? EXIT.interrupted : undefined;
}

const FLAGS: Readonly<Record<string, string>> = {
  event_types: "--type",
  agent_ids: "--agent",
  turn_start: "--turn-start",
  turn_end: "--turn-end",
  start_timestamp: "--since",
  end_timestamp: "--until",
};

/** The filter, checked while it can still be said in the words of the command line. */
function filterOf(options: EventsOptions): EventFilter {
  const filter = asFilter(options);
  try {
    checkEventFilter(filter);
    return filter;
  } catch (error) {
    if (!(error instanceof EventError)) throw error;
    const [field = ""] = error.path.split("."); // of a list, its item
    const { [field]: flag = field } = FLAGS;
    const message = Object.entries(FLAGS).reduce(
      (text, [name, said]) => text.replace(name, said),
      error.message.replace(`"${error.path}"`, flag),
    );
    throw new CommandError("USAGE", message, EXIT.usage, { cause: error });
  }
}

function asFilter({ type, agent, turnStart, turnEnd, since, until }: EventsOptions): EventFilter {
  return {
    ...(type !== undefined && { event_types: [...type] }),
    ...(agent !== undefined && { agent_ids: [...agent] }),
    ...(turnStart !== undefined && { turn_start: turnStart }),
    ...(turnEnd !== undefined && { turn_end: turnEnd }),
    ...(since !== undefined && { start_timestamp: since }),
    ...(until !== undefined && { end_timestamp: until }),
  };
}
