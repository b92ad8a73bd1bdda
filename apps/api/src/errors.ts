/**
 * What a problem document says went wrong.
 *
 * - `INVALID_REQUEST` (400): a parameter, the target or a header is not what the request takes.
 * - `UNAUTHORIZED` (401): the token is missing or wrong.
 * - `FORBIDDEN_ORIGIN` (403): a page of another origin asked, and that origin is not allowed.
 * - `NOT_FOUND` (404): there is no such path, simulation, run, event or record.
 * - `METHOD_NOT_ALLOWED` (405): only GET and HEAD: nothing can be changed here.
 * - `REQUEST_TIMEOUT` (408): the request did not arrive in time.
 * - `URI_TOO_LONG` (414): the target is longer than 8 KiB.
 * - `EXPECTATION_FAILED` (417): an `Expect` header this server does not know.
 * - `MISDIRECTED_REQUEST` (421): the `Host` is not this server's.
 * - `HEADERS_TOO_LARGE` (431): the headers are longer than 16 KiB.
 * - `INTERNAL_ERROR` (500): a fault of the server; its own log says more.
 * - `RECORD_DAMAGED` (500): what is stored cannot be read back.
 * - `RECORD_NEWER_FORMAT` (500): what is stored was written by a newer version.
 * - `STORE_UNAVAILABLE` (503): the store cannot be read now.
 * - `TOO_MANY_TAILS` (503): as many live tails as there may be.
 */
export type ProblemCode =
  | "INVALID_REQUEST"
  | "UNAUTHORIZED"
  | "FORBIDDEN_ORIGIN"
  | "NOT_FOUND"
  | "METHOD_NOT_ALLOWED"
  | "REQUEST_TIMEOUT"
  | "URI_TOO_LONG"
  | "EXPECTATION_FAILED"
  | "MISDIRECTED_REQUEST"
  | "HEADERS_TOO_LARGE"
  | "INTERNAL_ERROR"
  | "RECORD_DAMAGED"
  | "RECORD_NEWER_FORMAT"
  | "STORE_UNAVAILABLE"
  | "TOO_MANY_TAILS";

/**
 * Why a server does not start.
 *
 * - `API_TOKEN_NEEDED`: it would listen beyond this machine, and has no token.
 * - `API_OPTION`: a token, an origin or a host that is none.
 * - `API_ADDRESS`: the address is taken, not this machine's, or not allowed.
 */
export type ServeErrorCode = "API_TOKEN_NEEDED" | "API_OPTION" | "API_ADDRESS";

/** Codes of this package. */
export type ApiErrorCode = ProblemCode | ServeErrorCode;

/** The base of every error of this package; match on `code`. */
export class ApiError extends Error {
  override readonly name: string = "ApiError";
  readonly code: ApiErrorCode;

  constructor(code: ApiErrorCode, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
  }
}

/** A server that does not start. */
export class ServeError extends ApiError {
  override readonly name: string = "ServeError";
  declare readonly code: ServeErrorCode;
}

/** A request that is answered with a problem document. Its message and details are for the client to see. */
export class ProblemError extends ApiError {
  override readonly name: string = "ProblemError";
  declare readonly code: ProblemCode;
  readonly details: Readonly<Record<string, unknown>>;
  /** Header fields that belong to the answer. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: ProblemCode,
    message: string,
    options: {
      readonly details?: Readonly<Record<string, unknown>>;
      readonly headers?: Readonly<Record<string, string>>;
      readonly cause?: unknown;
    } = {},
  ) {
    super(code, message, options);
    this.details = options.details ?? {};
    this.headers = options.headers ?? {};
  }
}
