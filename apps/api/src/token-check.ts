import { createHash, timingSafeEqual } from "node:crypto";
import { ProblemError, ServeError } from "./errors.ts";

/**
 * Checks bearer tokens: by their hashes and in constant time, so that neither the length nor a matching beginning shows.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc6750.html#section-2.1 | RFC 6750, 2.1: the Authorization request header field}
 */
export class TokenCheck {
  readonly #wanted: Buffer | undefined;

  /**
   * @param token - `undefined`: everybody may ask.
   * @throws {ServeError} `API_OPTION` for a token that cannot be sent.
   */
  constructor(token: string | undefined) {
    if (token !== undefined && !/^[\x21-\x7e]+$/.test(token)) {
      throw new ServeError(
        "API_OPTION",
        "Cannot use the token: it is empty, or holds spaces or characters beyond ASCII",
      );
    }
    this.#wanted = token === undefined ? undefined : digest(token);
  }

  /** @throws {ProblemError} `UNAUTHORIZED` */
  check(authorization: string | undefined): void {
    if (this.#wanted === undefined) return;
    const given = /^bearer +([\x21-\x7e]+) *$/i.exec(authorization ?? "")?.[1];
    if (given !== undefined && timingSafeEqual(digest(given), this.#wanted)) return;
    const state = authorization === undefined ? "is missing" : "is wrong";
    throw new ProblemError("UNAUTHORIZED", `The token ${state}: send it as Authorization: Bearer TOKEN`, {
      headers: { "www-authenticate": given === undefined ? "Bearer" : 'Bearer error="invalid_token"' },
    });
  }
}

function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
