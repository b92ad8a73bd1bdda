import { once } from "node:events";
import { existsSync } from "node:fs";
import { type ApiServer, type LogEntry, ServeError, serveApi } from "@holdfast/api";
import type { Context } from "../context.ts";
import { CommandError, EXIT } from "../failure.ts";
import { VERSION } from "../version.ts";
import { keepYoungGenerationSmall } from "../young-generation.ts";

/** Options of `serve`. */
export interface ServeCommandOptions {
  readonly port?: number;
  readonly host?: string;
  readonly corsOrigin?: readonly string[];
  readonly allowHost?: readonly string[];
  readonly token?: string;
}

/** A token that could be guessed. */
const SHORT_TOKEN = 16;

/** Serves the store until a signal comes; then finishes what is under way, and ends with 0. */
export async function serve(context: Context, options: ServeCommandOptions): Promise<undefined> {
  const { signal } = context;
  const token = options.token ?? (process.env["HOLDFAST_TOKEN"] || undefined);
  keepYoungGenerationSmall();
  const store = context.store();
  // What is no store, or one of a newer version, is told now rather than with every answer.
  await store.documents.list("runs/", { limit: 1 });
  const server = await start(options, token, context);
  if (token !== undefined && token.length < SHORT_TOKEN) {
    await context.warn("the token is short enough to be guessed; make one with openssl rand -hex 32");
  }
  if (!existsSync(store.root))
    await context.note(`there is no store at ${store.root} yet: it is served as an empty one`);
  await context.result({ url: server.url, port: server.port }, `listening on ${server.url}\n`);
  await context.note(
    `${server.url}docs says what can be asked${token === undefined ? "" : " (with the token)"}; Ctrl-C stops`,
  );
  if (!signal.aborted) await once(signal, "abort");
  await context.note("stopping: finishing what is under way");
  await server.close();
  return undefined;
}

async function start(
  { host, port, corsOrigin, allowHost }: ServeCommandOptions,
  token: string | undefined,
  context: Context,
): Promise<ApiServer> {
  if (port !== undefined && port > 65_535) {
    throw new CommandError("USAGE_PORT", `Cannot listen on port ${port}: 65535 is the largest`, EXIT.usage);
  }
  try {
    return await serveApi({
      store: context.store(),
      version: VERSION,
      token,
      log: (entry) => void tell(context, entry),
      ...(host === undefined ? {} : { host }),
      ...(port === undefined ? {} : { port }),
      ...(corsOrigin === undefined ? {} : { corsOrigins: corsOrigin }),
      ...(allowHost === undefined ? {} : { allowHosts: allowHost }),
    });
  } catch (error) {
    if (!(error instanceof ServeError) || error.code === "API_ADDRESS") throw error;
    throw new CommandError(error.code, error.message, EXIT.usage, { cause: error });
  }
}

/** Faults always, each answer only when asked for more. */
async function tell(context: Context, entry: LogEntry): Promise<void> {
  if (entry.level === "error") await context.warn(`serve: ${entry.message.replaceAll("\n", " ")}`);
  else if (context.verbose) {
    const { method, target, status, seconds } = entry;
    await context.note(`${method} ${JSON.stringify(target)} ${status} ${(seconds * 1_000).toFixed(1)} ms`);
  }
}
