import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { MAX_URL_BYTES, tooLong } from "./api.ts";
import { type ProblemCode, ProblemError } from "./errors.ts";
import { COMMON_HEADERS, problemReply, type Reply } from "./reply.ts";

/** Longest header of a request, in bytes. */
const MAX_HEADER_BYTES = 16_384;

/**
 * What is wrong with a request before anybody looks at what it asks: its size, its `Host`, a body.
 *
 * @returns `undefined` when all is well.
 */
export function refusalOf(request: IncomingMessage): ProblemError | undefined {
  const { rawHeaders, url = "", headers, method = "" } = request;
  if (Buffer.byteLength(url) > MAX_URL_BYTES) return tooLong();
  let bytes = 0;
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const [name = "", value = ""] = [rawHeaders[index], rawHeaders[index + 1]];
    bytes += name.length + value.length + 4;
    if (name.length === 4 && name.toLowerCase() === "host") hosts += 1;
  }
  if (bytes > MAX_HEADER_BYTES) return headersTooLarge();
  if (hosts !== 1) {
    return new ProblemError(
      "INVALID_REQUEST",
      `Invalid request: it has ${hosts === 0 ? "no" : "several"} Host fields`,
    );
  }
  const hasBody = headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) !== 0;
  if (hasBody && (method === "GET" || method === "HEAD" || method === "OPTIONS")) {
    return new ProblemError("INVALID_REQUEST", `Invalid request: ${method} takes no body here`);
  }
  return undefined;
}

/** Answers what Node refuses by itself, each with a problem document, and lets the server go on. */
export function answerRefusals(server: Server, onRefused: (code: ProblemCode) => void): void {
  server.on("clientError", (error: ClientError, socket) => {
    const problem = problemOfParser(error);
    if (problem !== undefined) onRefused(problem.code);
    end(socket, problem);
  });
  server.on("checkExpectation", (_request: IncomingMessage, response: ServerResponse) => {
    onRefused("EXPECTATION_FAILED");
    write(response, problemReply(new ProblemError("EXPECTATION_FAILED", "This server knows no such Expect")));
  });
  server.on("connect", (_request, socket) => {
    onRefused("METHOD_NOT_ALLOWED");
    end(
      socket,
      new ProblemError("METHOD_NOT_ALLOWED", "This server is no proxy", {
        headers: { allow: "GET, HEAD, OPTIONS" },
      }),
    );
  });
}

/** Writes a whole reply over Node's response, and ends the connection after it. */
export function write(response: ServerResponse, reply: Reply): void {
  const body = typeof reply.body === "string" ? reply.body : "";
  response.writeHead(reply.status, {
    ...COMMON_HEADERS,
    ...reply.headers,
    "content-length": Buffer.byteLength(body),
    connection: "close",
  });
  response.end(body);
}

interface ClientError extends Error {
  readonly code?: string;
  readonly rawPacket?: Buffer;
}

/** `undefined`: the client has gone. */
function problemOfParser(error: ClientError): ProblemError | undefined {
  switch (error.code) {
    case "ECONNRESET":
    case "EPIPE":
      return undefined;
    case "HPE_HEADER_OVERFLOW":
      // What does not end in its first line is a target without end.
      return isTargetOnly(error.rawPacket) ? tooLong() : headersTooLarge();
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return new ProblemError("REQUEST_TIMEOUT", "The request did not arrive in time");
    case undefined:
    default:
      return new ProblemError("INVALID_REQUEST", "Invalid request: this is not HTTP/1.1");
  }
}

function isTargetOnly(packet: Buffer | undefined): boolean {
  const lineEnd = packet?.indexOf("\n") ?? -1;
  return (
    packet !== undefined &&
    /^[A-Z]+ /.test(packet.toString("latin1", 0, 10)) &&
    (lineEnd === -1 || lineEnd > MAX_URL_BYTES)
  );
}

function headersTooLarge(): ProblemError {
  return new ProblemError(
    "HEADERS_TOO_LARGE",
    `The header of the request is longer than ${MAX_HEADER_BYTES} bytes`,
  );
}

function end(socket: Duplex, problem: ProblemError | undefined): void {
  if (problem === undefined || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status, headers, body } = problemReply(problem);
  const fields = { ...COMMON_HEADERS, ...headers, connection: "close" };
  const text = typeof body === "string" ? body : "";
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.on("error", () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n${lines.join("")}content-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
  );
}
