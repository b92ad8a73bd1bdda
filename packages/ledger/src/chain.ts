import { hash } from "node:crypto";

/** What the first line of a chain follows: 64 zeros. */
export const GENESIS_CHAIN = "0".repeat(64);

/** By character code: 1 for the lowercase hex digits. */
const IS_HEX = new Uint8Array(256);
for (const digit of "0123456789abcdef") IS_HEX[digit.charCodeAt(0)] = 1;

/** Whether 64 lowercase hex digits stand at a place of a text. Asked of every line: a pattern takes four times as long. */
export function isChainAt(text: string, start: number): boolean {
  let isHex = 1;
  for (let at = start; at < start + GENESIS_CHAIN.length; at += 1) isHex &= IS_HEX[text.charCodeAt(at)] ?? 0;
  return isHex === 1;
}

/** Whether a value has the form of a link of the chain. */
export function isChain(value: unknown): value is string {
  return typeof value === "string" && value.length === GENESIS_CHAIN.length && isChainAt(value, 0);
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
