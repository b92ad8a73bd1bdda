import type { Store } from "@holdfast/storage";
import { TrieRouter } from "hono/router/trie-router";
import { docsPage } from "./docs-page.ts";
import { ProblemError } from "./errors.ts";
import { HostCheck, LOOPBACK_HOSTS } from "./host-check.ts";
import { asProblem } from "./known-failures.ts";
import { LiveTails } from "./live-tails.ts";
import { type Gauge, Metrics } from "./metrics.ts";
import { openApiDocument } from "./openapi.ts";
import { OriginCheck } from "./origin-check.ts";
import { processGauges } from "./process-gauges.ts";
import { COMMON_HEADERS, problemReply, type Reply, toResponse, withoutBody } from "./reply.ts";
import { type QueryReader, queryReader, readParams } from "./request-input.ts";
import type { Route } from "./route.ts";
import { ROUTES, SCHEMAS } from "./routes/table.ts";
import { TokenCheck } from "./token-check.ts";

/** Longest target of a request, in bytes. */
export const MAX_URL_BYTES = 8_192;
const MAX_TAILS = 256;
const HEARTBEAT_MS = 10_000;

/** Nobody reads it: its client has gone, and that is no fault of the server. */
const GONE = problemReply(
  new ProblemError("INVALID_REQUEST", "Invalid request: its connection ended before the answer"),
);

/** Something a server has to tell whoever runs it. */
export type LogEntry =
  | {
      readonly level: "info";
      readonly method: string;
      /** The route with its parameters in braces, or `unmatched`. */
      readonly route: string;
      readonly target: string;
      readonly status: number;
      readonly seconds: number;
    }
  | { readonly level: "error"; readonly message: string; readonly error: unknown };

/** Options of {@link createApi}. */
export interface ApiOptions {
  /** Where to look. It stays the caller's; nothing is ever written. */
  readonly store: Store;
  /** What requests must carry as `Authorization: Bearer`; default: everybody may ask. */
  readonly token?: string | undefined;
  /** Origins whose pages may read answers, written as browsers send them; default none. */
  readonly corsOrigins?: readonly string[];
  /** Names this server answers to, each with a port, or without one where any will do; default the names of the loopback address. */
  readonly hosts?: readonly string[];
  /** Version in the OpenAPI document and the metrics. */
  readonly version: string;
  /** How many live tails there may be at once; default 256. */
  readonly maxTails?: number;
  /** After how long a silent live tail gets a comment, in milliseconds; default 10,000. */
  readonly heartbeatMs?: number;
  /** Told of every answer, and of every fault. */
  readonly log?: (entry: LogEntry) => void;
}

/** A handler of requests, as platforms call it. */
export interface Api {
  /** Answers a request; never rejects. */
  fetch(this: void, request: Request): Promise<Response>;
  /** Ends the live tails. The store stays open. */
  close(): void;
}

/** What routes look up beside the store. */
export interface ApiSettings {
  readonly version: string;
  readonly metrics: Metrics;
  readonly tails: LiveTails;
  readonly heartbeatMs: number;
  readonly fault: (error: unknown) => void;
  /** The OpenAPI document as JSON. */
  readonly openApi: () => string;
  readonly docs: () => { readonly html: string; readonly policy: string };
  /** The metrics as text. */
  readonly metricsText: () => string;
}

/**
 * Makes a handler of requests over a store, for any platform that speaks `Request` and `Response`.
 *
 * @throws {ServeError} `API_OPTION` for a token, an origin or a host that is none.
 */
export function createApi(options: ApiOptions): Api {
  const handler = new ApiHandler(options);
  return {
    fetch: async (request) => toResponse(await handler.answer(request)),
    close: () => handler.close(),
  };
}

interface Entry {
  readonly route: Route;
  readonly query: QueryReader;
}

/** Who asks, as far as the connection tells. */
export interface Peer {
  /** A further name this server has on that connection. */
  readonly ownAddress?: string | undefined;
}

/** Answers requests: checks who asks, finds the route, checks what it takes, and turns whatever goes wrong into a problem document. */
export class ApiHandler {
  readonly metrics = new Metrics();
  readonly tails: LiveTails;
  readonly #store: Store;
  readonly #hosts: HostCheck;
  readonly #origins: OriginCheck;
  readonly #token: TokenCheck;
  readonly #router = new TrieRouter<Entry>();
  readonly #settings: ApiSettings;
  readonly #log: (entry: LogEntry) => void;

  constructor(options: ApiOptions & { readonly gauges?: () => ReadonlyMap<string, Gauge> }) {
    const { token, version, corsOrigins = [], hosts = LOOPBACK_HOSTS } = options;
    this.#store = options.store;
    this.#token = new TokenCheck(token);
    this.#origins = new OriginCheck(corsOrigins);
    this.#hosts = new HostCheck(hosts);
    this.#log = options.log ?? (() => {});
    this.tails = new LiveTails(options.maxTails ?? MAX_TAILS);
    for (const route of ROUTES) {
      this.#router.add("GET", route.path.replaceAll(/\{(\w+)\}/g, ":$1"), {
        route,
        query: queryReader(route.query),
      });
    }
    const document = once(() =>
      openApiDocument(ROUTES, { version, needsToken: token !== undefined, schemas: SCHEMAS }),
    );
    this.#settings = {
      version,
      metrics: this.metrics,
      tails: this.tails,
      heartbeatMs: options.heartbeatMs ?? HEARTBEAT_MS,
      fault: (error) => this.#fault(error),
      openApi: once(() => JSON.stringify(document())),
      docs: once(() => docsPage(document())),
      metricsText: () => this.metrics.render(this.#gauges(version, options.gauges?.())),
    };
  }

  /** Answers a request; never rejects. */
  async answer(request: Request, peer: Peer = {}): Promise<Reply> {
    const started = performance.now();
    const { method } = request;
    const { host, path, query } = partsOf(request.url);
    const origin = request.headers.get("origin") ?? undefined;
    const matched = { route: "unmatched" };
    let reply: Reply;
    try {
      if (path.length + query.length > MAX_URL_BYTES) throw tooLong();
      this.#checkHost(request, host, peer);
      this.#origins.check(origin, request.headers.get("host") ?? host);
      reply = await this.#dispatch(request, path, query, matched);
    } catch (error) {
      reply = request.signal.aborted && isAbort(error, request.signal) ? GONE : this.#failed(error);
    }
    if (method === "HEAD") reply = withoutBody(reply);
    const seconds = (performance.now() - started) / 1_000;
    const known = method === "GET" || method === "HEAD" || method === "OPTIONS" ? method : "other";
    this.metrics.answered(matched.route, known, reply.status, seconds);
    const target = query === "" ? path : `${path}?${query}`;
    this.#log({ level: "info", method, route: matched.route, target, status: reply.status, seconds });
    return {
      ...reply,
      headers: { ...COMMON_HEADERS, ...this.#origins.headersFor(origin), ...reply.headers },
    };
  }

  close(): void {
    this.tails.close();
  }

  async #dispatch(request: Request, path: string, query: string, matched: { route: string }): Promise<Reply> {
    const { method, headers } = request;
    const [found] = this.#router.match("GET", path);
    const [entry, given] = found[0] ?? [];
    if (entry !== undefined) matched.route = entry.route.path;
    if (method === "OPTIONS") return this.#origins.preflight();
    if (entry?.route.open !== true) this.#token.check(headers.get("authorization") ?? undefined);
    if (entry === undefined || given === undefined) {
      throw new ProblemError("NOT_FOUND", "Not found: there is no such path; /docs lists those there are");
    }
    if (method !== "GET" && method !== "HEAD") {
      throw new ProblemError(
        "METHOD_NOT_ALLOWED",
        "Only GET and HEAD are answered: nothing can be changed here",
        {
          headers: { allow: "GET, HEAD, OPTIONS" },
        },
      );
    }
    const { route } = entry;
    return route.handle({
      params: readParams(route.params, given as Readonly<Record<string, string>>) as never,
      query: entry.query.read(query) as never,
      store: this.#store,
      settings: this.#settings,
      header: (name) => headers.get(name) ?? undefined,
      headOnly: method === "HEAD",
      signal: () => request.signal,
    });
  }

  /** The field and the target may both name a host, and both must be ours. */
  #checkHost(request: Request, host: string, { ownAddress }: Peer): void {
    const field = request.headers.get("host");
    for (const name of field === null || field === host ? [host] : [field, host]) {
      if (name !== ownAddress) this.#hosts.check(name);
    }
  }

  #failed(error: unknown): Reply {
    const problem = asProblem(error);
    if (
      problem.code === "INTERNAL_ERROR" ||
      problem.code === "STORE_UNAVAILABLE" ||
      problem.code.startsWith("RECORD_")
    ) {
      this.#fault(problem.cause ?? problem);
    }
    return problemReply(problem);
  }

  #fault(error: unknown): void {
    this.#log({ level: "error", message: error instanceof Error ? error.message : String(error), error });
  }

  #gauges(version: string, more: ReadonlyMap<string, Gauge> = new Map()): ReadonlyMap<string, Gauge> {
    return new Map<string, Gauge>([
      ["holdfast_live_tails", { type: "gauge", help: "Live tails that are open.", value: this.tails.size }],
      [
        "holdfast_live_tails_refused_total",
        { type: "counter", help: "Live tails beyond the limit.", value: this.tails.refused },
      ],
      ...more,
      ...processGauges(version),
    ]);
  }
}

/** The parts of a URL as they were sent: nothing is decoded or normalized. */
function partsOf(url: string): { readonly host: string; readonly path: string; readonly query: string } {
  const start = url.indexOf("://") + 3;
  const slash = url.indexOf("/", start);
  const end = url.indexOf("#", start) === -1 ? url.length : url.indexOf("#", start);
  const question = url.indexOf("?", start);
  const pathEnd = question === -1 || question > end ? end : question;
  return {
    host: url.slice(start, slash === -1 ? pathEnd : slash),
    path: slash === -1 ? "/" : url.slice(slash, pathEnd),
    query: question === -1 ? "" : url.slice(question + 1, end),
  };
}

/** The problem of a target that is too long. */
export function tooLong(): ProblemError {
  return new ProblemError("URI_TOO_LONG", `The target of the request is longer than ${MAX_URL_BYTES} bytes`);
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** Whether an error says only that nobody waits for the answer any more. */
function isAbort(error: unknown, { reason }: AbortSignal): boolean {
  return error === reason || (error instanceof Error && error.name === "AbortError");
}
