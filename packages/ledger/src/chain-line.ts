import { canonicalJson } from "@holdfast/idempotency";
import { chainAfter } from "./chain.ts";
import type { Message } from "./message.ts";
import { messageOf } from "./message-of.ts";
import { type Envelope, envelopeOf, LineError, parseLine, toMessage } from "./record.ts";

/** A line of a ledger as the verification of its chain sees it: nothing is taken for granted. */
export interface ChainLine {
  readonly position: number;
  /** The three fields, when they are all there and have their form. */
  readonly envelope: Envelope | undefined;
  /** Canonical JSON of the line without its chain, when it has one. */
  readonly canonical: string | undefined;
  /** Written elsewhere: an object that carries neither a fence nor a chain. */
  readonly plain: boolean;
  /** Why it has no envelope, or cannot be hashed. */
  readonly problem: { readonly kind: "not_json" | "edited"; readonly message: string } | undefined;
  /** Why it is no message, although its chain may hold. */
  readonly invalid: string | undefined;
  /** The message it is. */
  readonly message: Message | undefined;
  /** It says what it said, but with other characters. */
  readonly respelled: boolean;
}

/** Takes a line apart; never throws. */
export function readChainLine(text: string, position: number): ChainLine {
  const nothing = {
    position,
    envelope: undefined,
    canonical: undefined,
    plain: false,
    invalid: undefined,
    message: undefined,
    respelled: false,
  };
  let line: Record<string, unknown>;
  try {
    line = parseLine(text);
  } catch (error) {
    return { ...nothing, problem: { kind: "not_json", message: messageOf(error) } };
  }
  try {
    const canonical = canonicalJson(withoutChain(line));
    const envelope = envelopeOf(line);
    return {
      position,
      envelope,
      canonical,
      plain: envelope === undefined,
      problem: undefined,
      ...messageIn(line, envelope),
      // A chain covers what a line says; a ledger's own writer also has but one way to say it.
      respelled: envelope !== undefined && JSON.stringify(line) !== text,
    };
  } catch (error) {
    const canonical = error instanceof LineError ? canonicalJson(withoutChain(line)) : undefined;
    return { ...nothing, canonical, problem: { kind: "edited", message: messageOf(error) } };
  }
}

/** Whether a line is the next after one with this chain. */
export function follows(chain: string | undefined, line: ChainLine): boolean {
  return chain !== undefined && line.envelope !== undefined && chainOf(chain, line) === line.envelope.chain;
}

/** The chain a line must have after one with this chain. */
export function chainOf(previous: string | undefined, line: ChainLine): string | undefined {
  return previous === undefined || line.canonical === undefined
    ? undefined
    : chainAfter(previous, line.canonical);
}

function withoutChain(line: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { chain: _chain, ...rest } = line;
  return rest;
}

function messageIn(
  line: Readonly<Record<string, unknown>>,
  envelope: Envelope | undefined,
): Pick<ChainLine, "message" | "invalid"> {
  try {
    return { message: toMessage(line, envelope), invalid: undefined };
  } catch (error) {
    return { message: undefined, invalid: messageOf(error) };
  }
}
