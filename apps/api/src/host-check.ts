import { ProblemError, ServeError } from "./errors.ts";

/** Names under which a server on this machine is reached. */
export const LOOPBACK_HOSTS = ["localhost", "127.0.0.1", "[::1]"] as const;

const NAME = /^(\[[0-9a-f:.]+\]|[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?\.?)(?::(\d{1,5}))?$/;

interface HostName {
  readonly name: string;
  /** `undefined`: none was given. */
  readonly port: number | undefined;
}

/**
 * The names a server answers to. A page of another site whose name was made to lead here (DNS rebinding) sends its own name as
 * `Host`, and is refused.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc9110.html#section-7.4 | RFC 9110, 7.4: rejecting misdirected requests}
 */
export class HostCheck {
  readonly #any = new Set<string>();
  readonly #exact = new Set<string>();

  /**
   * @param hosts - Names with a port, or without one where any port will do.
   * @throws {ServeError} `API_OPTION` for what is no name.
   */
  constructor(hosts: readonly string[]) {
    for (const host of hosts) {
      const parsed = parseHost(host);
      if (parsed === undefined) {
        throw new ServeError(
          "API_OPTION",
          `Cannot answer to the host ${JSON.stringify(host)}: it is no name, address or either with a port`,
        );
      }
      if (parsed.port === undefined) this.#any.add(parsed.name);
      else this.#exact.add(`${parsed.name}:${parsed.port}`);
    }
  }

  /**
   * @param host - A `Host` field, or the authority of a URL.
   * @param defaultPort - The port where `host` names none.
   * @throws {ProblemError} `MISDIRECTED_REQUEST`, `INVALID_REQUEST`
   */
  check(host: string, defaultPort = 80): void {
    if (this.#any.has(host) || this.#exact.has(host)) return;
    const parsed = parseHost(host);
    if (parsed === undefined)
      throw new ProblemError("INVALID_REQUEST", "Invalid request: the Host is no name");
    const { name, port = defaultPort } = parsed;
    if (this.#any.has(name) || this.#exact.has(`${name}:${port}`)) return;
    throw new ProblemError(
      "MISDIRECTED_REQUEST",
      "This server does not answer to that Host; ask for it by its own name, or start it with --allow-host for a proxy's",
    );
  }
}

function parseHost(text: string): HostName | undefined {
  const match = NAME.exec(text.toLowerCase());
  if (match === null) return undefined;
  const [, name = "", port] = match;
  const number = port === undefined ? undefined : Number(port);
  if (number !== undefined && number > 65_535) return undefined;
  return { name: name.endsWith(".") ? name.slice(0, -1) : name, port: number };
}
