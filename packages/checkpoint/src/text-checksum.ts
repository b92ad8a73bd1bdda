import { createHash, hash as digestOf, type Hash } from "node:crypto";

/** The checksum of a text that comes in pieces. One piece alone, as every small state is, takes one call instead of three: a third of the time. */
export class TextChecksum {
  #first: string | Uint8Array | undefined;
  #hash: Hash | undefined;

  /** @param piece - Bytes, or a text as its UTF-8. */
  update(piece: string | Uint8Array): void {
    if (this.#hash === undefined && this.#first === undefined) {
      this.#first = piece;
      return;
    }
    this.#hash ??= createHash("sha256").update(this.#first ?? "");
    this.#hash.update(piece);
  }

  /** `sha256:` and 64 hex digits. Asked for once. */
  digest(): string {
    const digits = this.#hash?.digest("hex") ?? digestOf("sha256", this.#first ?? "", "hex");
    return `sha256:${digits}`;
  }
}
