import { ChecksumError } from "./errors.ts";

/** The SHA-256 of some bytes: `sha256:` and 64 lowercase hex digits. */
export type Checksum = `sha256:${string}`;

/** What a checksum looks like, anchored at both ends; for schemas of records that hold one. */
export const CHECKSUM_PATTERN: RegExp = /^sha256:[0-9a-f]{64}$/;

/**
 * Says whether a value is a checksum, letter for letter: `sha256:` and 64 lowercase hex digits, nothing around them.
 *
 * @param value - Anything.
 */
export function isChecksum(value: unknown): value is Checksum {
  return typeof value === "string" && CHECKSUM_PATTERN.test(value);
}

/**
 * Takes a text as a checksum.
 *
 * @param text - `sha256:` and 64 lowercase hex digits. Uppercase digits, spaces and bare digests are refused:
 *   two spellings of one checksum would be two different keys.
 * @returns The same text, typed.
 * @throws {ChecksumError} `CHECKSUM_FORMAT`, with what is wrong about it.
 */
export function parseChecksum(text: string): Checksum {
  if (isChecksum(text)) return text;
  throw new ChecksumError("CHECKSUM_FORMAT", `Cannot parse checksum ${quote(text)}: ${formatFault(text)}`);
}

/** Makes a checksum of a hex digest; for code of this package, which knows that it is one. */
export function checksumOfDigest(hex: string): Checksum {
  return `sha256:${hex}`;
}

function formatFault(text: unknown): string {
  if (typeof text !== "string") return `it is ${text === null ? "null" : typeof text}, not a text`;
  if (CHECKSUM_PATTERN.test(text.trim())) return "it has spaces or line ends around it; remove them";
  if (/^sha256:[0-9a-fA-F]{64}$/.test(text)) return "its hex digits must be lowercase";
  if (/^[0-9a-f]{64}$/.test(text)) return 'it lacks the algorithm; write "sha256:" before it';
  const algorithm = /^([A-Za-z0-9-]+):/.exec(text)?.[1];
  if (algorithm !== undefined && algorithm !== "sha256")
    return `the algorithm "${algorithm}" is not known; use "sha256"`;
  return 'it must be "sha256:" and 64 lowercase hex digits';
}

function quote(text: unknown): string {
  const shown = String(text);
  return JSON.stringify(shown.length > 100 ? `${shown.slice(0, 100)}...` : shown);
}
