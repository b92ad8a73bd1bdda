import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, isIPv6, Server as TcpServer } from "node:net";
import { hostname } from "node:os";
import { getRequestListener } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { ApiHandler, type ApiOptions, type LogEntry } from "./api.ts";
import { Connections } from "./connections.ts";
import { ProblemError, ServeError } from "./errors.ts";
import { LOOPBACK_HOSTS } from "./host-check.ts";
import type { Gauge } from "./metrics.ts";
import { answerRefusals, refusalOf, write } from "./refusals.ts";
import { COMMON_HEADERS, problemReply, type Reply, toResponse } from "./reply.ts";

const DEFAULT_HOST = "127.0.0.1";
const DEFAULT_PORT = 8_787;
/** A client that does not take what it is sent is looked at that often, and ended the second time at the latest. */
const IDLE_MS = 4_500;
const HEADER_MS = 9_000;
const CHECK_MS = 500;
const KEEP_ALIVE_MS = 5_000;
const GRACE_MS = 9_000;
const ARRIVAL_MS = 250;
const MAX_CONNECTIONS = 2_048;
// The parser counts the target as well; what is between this and the limits is refused by name.
const PARSER_BYTES = 32_768;

const NO_URL = withClose(
  problemReply(new ProblemError("INVALID_REQUEST", "Invalid request: its target is no URL")),
);

/** Options of {@link serveApi}. */
export interface ServeOptions extends Omit<ApiOptions, "hosts"> {
  /** Address to listen on; default `127.0.0.1`. Anything beyond this machine needs a `token`. */
  readonly host?: string;
  /** Port; 0 takes a free one. Default 8787. */
  readonly port?: number;
  /** Further names this server answers to, such as a proxy's: each with a port, or without one where any will do. */
  readonly allowHosts?: readonly string[];
}

/** A server that listens. */
export interface ApiServer extends AsyncDisposable {
  /** Where it is reached, with a slash at the end. */
  readonly url: string;
  readonly port: number;
  /**
   * Stops: takes no more connections, ends the live tails, lets requests that are under way finish for at most `graceMs` (default
   * 9,000), and ends what is left. Called again, it waits for the same end. The store stays open.
   */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}

/**
 * Serves a store over HTTP.
 *
 * Requests have 8 KiB for their target, 16 KiB for their header and 10 seconds to arrive; a client that does not take its answer for 10
 * seconds is cut off; all the others go on meanwhile.
 *
 * @throws {ServeError} `API_TOKEN_NEEDED`, `API_OPTION`, `API_ADDRESS`
 */
export async function serveApi(options: ServeOptions): Promise<ApiServer> {
  const { host = DEFAULT_HOST, port = DEFAULT_PORT, allowHosts = [], ...rest } = options;
  if (!isLoopback(host) && options.token === undefined) {
    throw new ServeError(
      "API_TOKEN_NEEDED",
      `Cannot listen on "${host}" without a token: everybody who reaches it could read the store; give --token, or set HOLDFAST_TOKEN`,
    );
  }
  // Checks the options before a port is taken.
  void new ApiHandler({ ...rest, hosts: allowHosts });
  const server = createServer({
    maxHeaderSize: PARSER_BYTES,
    headersTimeout: HEADER_MS,
    requestTimeout: HEADER_MS,
    connectionsCheckingInterval: CHECK_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    requireHostHeader: false, // refused with a problem document instead
  });
  server.maxHeadersCount = 0; // those beyond a count would be dropped without a word
  server.maxConnections = MAX_CONNECTIONS;
  const address = await listen(server, host, port);
  const hosts = [...namesOf(host).map((name) => `${name}:${address.port}`), ...allowHosts];
  return new RunningServer(server, address, { ...rest, hosts }, host);
}

class RunningServer implements ApiServer {
  readonly url: string;
  readonly port: number;
  readonly #server: Server;
  readonly #handler: ApiHandler;
  readonly #connections: Connections;
  readonly #log: (entry: LogEntry) => void;
  #closing: Promise<void> | undefined;

  constructor(server: Server, address: AddressInfo, options: ApiOptions, host: string) {
    this.#server = server;
    this.port = address.port;
    this.url = `http://${bracketed(host)}:${address.port}/`;
    this.#log = options.log ?? (() => {});
    this.#handler = new ApiHandler({ ...options, gauges: () => this.#gauges() });
    const { metrics } = this.#handler;
    this.#connections = new Connections(server, {
      idleMs: IDLE_MS,
      onSlow: () => metrics.refused("slow_reader"),
    });
    answerRefusals(server, (code) => metrics.refused(code));
    const listener = getRequestListener(
      async (request, { incoming, outgoing }) => {
        const socket = (incoming as IncomingMessage).socket;
        const reply = await this.#handler.answer(request, { ownAddress: ownAddressOf(socket) });
        return this.#send(reply, outgoing as ServerResponse);
      },
      {
        overrideGlobalObjects: false,
        errorHandler: () => toResponse(NO_URL),
      },
    );
    const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
      this.#connections.answering(request.socket, response);
      response.on("error", () => request.socket.destroy());
      const refusal = refusalOf(request);
      if (refusal !== undefined) {
        metrics.refused(refusal.code);
        write(response, problemReply(refusal));
        return;
      }
      if (this.#closing !== undefined) response.setHeader("connection", "close");
      listener(request, response).catch((error: unknown) => {
        this.#log({ level: "error", message: "An answer could not be written", error });
        request.socket.destroy();
      });
    };
    server.on("request", onRequest);
    // A client that asks before it sends a body gets its answer at once: bodies are refused.
    server.on("checkContinue", onRequest);
  }

  close(options: { readonly graceMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(options.graceMs ?? GRACE_MS);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(graceMs: number): Promise<void> {
    // That of node:http would cut off answers that are written and not yet taken.
    const closed = new Promise<void>((resolve) =>
      TcpServer.prototype.close.call(this.#server, () => resolve()),
    );
    this.#handler.close();
    const started = performance.now();
    // Connections become idle one by one. What has asked nothing is not waited for, once what is under way to us had time to arrive.
    const sweep = setInterval(() => {
      const passed = performance.now() - started;
      if (passed >= graceMs) this.#connections.endAll();
      else if (passed >= ARRIVAL_MS) this.#connections.endIdle();
    }, 20);
    await closed;
    clearInterval(sweep);
    this.#server.close(); // its own timers
  }

  /** A whole text is written without the way through a stream. */
  #send(reply: Reply, outgoing: ServerResponse): Response {
    if (reply.body instanceof ReadableStream) return toResponse(reply);
    if (reply.body === undefined) {
      outgoing.writeHead(reply.status, { ...reply.headers });
      outgoing.end();
    } else {
      outgoing.writeHead(reply.status, { ...reply.headers, "content-length": Buffer.byteLength(reply.body) });
      outgoing.end(reply.body);
    }
    return RESPONSE_ALREADY_SENT;
  }

  #gauges(): ReadonlyMap<string, Gauge> {
    return new Map([
      [
        "holdfast_http_connections",
        { type: "gauge", help: "Connections that are open.", value: this.#connections.size },
      ],
    ]);
  }
}

function withClose(reply: Reply): Reply {
  return { ...reply, headers: { ...COMMON_HEADERS, ...reply.headers, connection: "close" } };
}

function listen(server: Server, host: string, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const why =
        error.code === "EADDRINUSE"
          ? "another program listens there; choose another --port, or 0 for a free one"
          : error.message;
      reject(
        new ServeError("API_ADDRESS", `Cannot listen on ${bracketed(host)}:${port}: ${why}`, {
          cause: error,
        }),
      );
    });
    server.listen(port, host, () => resolve(server.address() as AddressInfo));
  });
}

/** Names under which a server that listens on an address is reached. */
function namesOf(host: string): readonly string[] {
  const given = bracketed(host).toLowerCase();
  if (isLoopback(host)) return [...new Set([...LOOPBACK_HOSTS, given])];
  const everywhere = host === "0.0.0.0" || host === "::";
  return [...new Set([...LOOPBACK_HOSTS, ...(everywhere ? [hostname().toLowerCase()] : [given])])];
}

/** The address a connection was made to: asking for the server by its own number is asking for it. */
function ownAddressOf(socket: IncomingMessage["socket"]): string | undefined {
  const { localAddress, localPort } = socket;
  if (localAddress === undefined || localPort === undefined) return undefined;
  return `${bracketed(localAddress.replace(/^::ffff:(?=\d+\.)/, ""))}:${localPort}`;
}

function bracketed(host: string): string {
  return isIPv6(host) ? `[${host}]` : host;
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(?:\.\d{1,3}){3}$/.test(host);
}
