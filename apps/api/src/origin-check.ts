import { ProblemError, ServeError } from "./errors.ts";
import type { Reply } from "./reply.ts";

/** How long a browser may remember that it was allowed to ask, in seconds. */
const MAX_AGE_S = 600;

/**
 * Pages of which other origins may read answers. By default none may: a request that carries a foreign `Origin` is refused.
 *
 * @see {@link https://fetch.spec.whatwg.org/#http-cors-protocol | Fetch: the CORS protocol}
 */
export class OriginCheck {
  readonly #allowed: ReadonlySet<string>;

  /** @throws {ServeError} `API_OPTION` for what is no origin. */
  constructor(origins: readonly string[]) {
    for (const origin of origins) {
      if (serialized(origin) !== origin) {
        throw new ServeError(
          "API_OPTION",
          `Cannot allow the origin ${JSON.stringify(origin)}: it is not written as scheme://name[:port], such as https://example.com`,
        );
      }
    }
    this.#allowed = new Set(origins);
  }

  /**
   * @param origin - The `Origin` field.
   * @param host - The `Host` field, which was checked before.
   * @throws {ProblemError} `FORBIDDEN_ORIGIN`
   */
  check(origin: string | undefined, host: string): void {
    if (origin === undefined || this.#allowed.has(origin)) return;
    // Behind a proxy that ends TLS only the scheme differs.
    if (origin === `http://${host}` || origin === `https://${host}`) return;
    throw new ProblemError(
      "FORBIDDEN_ORIGIN",
      "Pages of that origin may not ask this server; start it with --cors-origin to allow one",
    );
  }

  /** What a browser must see on any answer before it shows it to a page of an allowed origin. */
  headersFor(origin: string | undefined): Readonly<Record<string, string>> {
    if (this.#allowed.size === 0) return {};
    if (origin === undefined || !this.#allowed.has(origin)) return { vary: "Origin" };
    return {
      vary: "Origin",
      "access-control-allow-origin": origin,
      "access-control-expose-headers": "Allow, Retry-After, X-Holdfast-Corrupt-Lines",
      "cross-origin-resource-policy": "cross-origin",
    };
  }

  /** The answer to OPTIONS: what is allowed, and for an allowed origin that it is. */
  preflight(): Reply {
    return {
      status: 204,
      headers: {
        allow: "GET, HEAD, OPTIONS",
        ...(this.#allowed.size === 0
          ? {}
          : {
              "access-control-allow-methods": "GET, HEAD",
              "access-control-allow-headers": "Authorization, Last-Event-ID",
              "access-control-max-age": String(MAX_AGE_S),
            }),
      },
      body: undefined,
    };
  }
}

function serialized(origin: string): string | undefined {
  const url = URL.canParse(origin) ? new URL(origin) : undefined;
  return url === undefined || url.origin === "null" ? undefined : url.origin;
}
