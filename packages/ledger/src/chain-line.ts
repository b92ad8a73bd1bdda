import { canonicalJson } from "@holdfast/idempotency";
import { chainAfter, GENESIS_CHAIN, isChainAt } from "./chain.ts";
import type { Message } from "./message.ts";
import { messageOf } from "./message-of.ts";
import { type Envelope, envelopeOf, envelopeWith, LineError, parseLine, toMessage } from "./record.ts";

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
  return readUsualLine(text, position) ?? readAnyLine(text, position);
}

const CHAIN_START = ',"chain":"';
const CHAIN_END = '"}';
const CHAIN_LENGTH = GENESIS_CHAIN.length;

/**
 * Takes apart a line that ends in its chain, as the ledger writes it; `undefined` for any other, and for one with which something is wrong.
 *
 * What stands before the chain is parsed as an object of its own: it is what the chain covers, and need not be copied to leave the chain out. That is a
 * quarter of the time of {@link readAnyLine}, and of the garbage it leaves.
 */
export function readUsualLine(text: string, position: number): ChainLine | undefined {
  const end = text.length - CHAIN_START.length - CHAIN_LENGTH - CHAIN_END.length;
  if (end < 0 || !text.startsWith(CHAIN_START, end) || !text.endsWith(CHAIN_END)) return undefined;
  const start = end + CHAIN_START.length;
  if (!isChainAt(text, start)) return undefined;
  const covered = `${text.slice(0, end)}}`;
  try {
    const line = parseLine(covered);
    if (Object.hasOwn(line, "chain")) return undefined;
    const envelope = envelopeWith(line, text.slice(start, start + CHAIN_LENGTH));
    return {
      position,
      envelope,
      canonical: canonicalJson(line),
      plain: false,
      problem: undefined,
      ...messageIn(line, envelope),
      respelled: JSON.stringify(line) !== covered,
    };
  } catch {
    return undefined; // what is wrong is found out by who looks at all of it
  }
}

/** Takes apart a line whatever it is. */
export function readAnyLine(text: string, position: number): ChainLine {
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
