import { hash } from "node:crypto";

/** What the first line of a chain follows: 64 zeros. */
export const GENESIS_CHAIN = "0".repeat(64);

const CHAIN_PATTERN = /^[0-9a-f]{64}$/;

/** Whether a value has the form of a link of the chain. */
export function isChain(value: unknown): value is string {
  return typeof value === "string" && CHAIN_PATTERN.test(value);
}

/**
 * The chain of a line.
 *
 * @param previous - Chain of the line before it, {@link GENESIS_CHAIN} before the first.
 * @param canonicalLine - Canonical JSON (RFC 8785) of the line without its `chain`.
 * @returns 64 lowercase hex digits: the SHA-256 of both, with a newline between them.
 */
export function chainAfter(previous: string, canonicalLine: string): string {
  return hash("sha256", `${previous}\n${canonicalLine}`, "hex");
}
