import type { Message } from "@holdfast/ledger";

/** Replaces the values of secrets. */
export interface Redactor {
  /** A text with every secret replaced. */
  text(text: string): string;
  /** A JSON value with every secret replaced, in keys and values at any depth; the same value when it holds none. */
  value<T>(value: T): T;
  /** A message with every secret replaced in what its author wrote freely; kinds, checksums and times stay. */
  message<T extends Message>(message: T): T;
  /** The redacted text, at most `maxLength` characters of it; never cut inside a secret. */
  clip(text: string, maxLength: number): string;
}
