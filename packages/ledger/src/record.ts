import { isChain } from "./chain.ts";
import { type Message, messageSchema } from "./message.ts";
import { messageOf } from "./message-of.ts";

/** A line of a ledger: the message, and what the ledger adds to it. */
export interface LedgerRecord<M extends Message = Message> {
  /** Place in the ledger, from 1. */
  readonly seq: number;
  /** The writer's fencing token; `undefined` in a line that was written elsewhere. */
  readonly fence: number | undefined;
  /** The link of the hash chain; `undefined` in a line that was written elsewhere. */
  readonly chain: string | undefined;
  readonly message: M;
}

/** What a ledger adds to a message, checked; `undefined` when a line has none of it. */
export interface Envelope {
  readonly seq: number;
  readonly fence: number;
  readonly chain: string;
}

/** Why a line is not one of a ledger. */
export class LineError extends Error {
  override readonly name: string = "LineError";
}

/** Whether a value of JSON is an object. */
function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The object in a line. */
export function parseLine(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new LineError(`not JSON: ${messageOf(error)}`, { cause: error });
  }
  if (!isObject(value)) throw new LineError("not a JSON object");
  return value;
}

/** The three fields of a line; `undefined` when it was written elsewhere, without them. */
export function envelopeOf(line: Readonly<Record<string, unknown>>): Envelope | undefined {
  const { fence, chain } = line;
  if (fence === undefined && chain === undefined) return undefined;
  if (!isChain(chain)) throw new LineError('"chain" is not 64 lowercase hex digits');
  return envelopeWith(line, chain);
}

/** The three fields of a line: two of its members, and its chain, which has its form. */
export function envelopeWith(line: Readonly<Record<string, unknown>>, chain: string): Envelope {
  const { seq, fence } = line;
  if (!isCount(seq) || seq === 0) throw new LineError('"seq" is not a positive integer');
  if (!isCount(fence)) throw new LineError('"fence" is not an integer from 0');
  return { seq, fence, chain };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** The line of a message, without its chain. A heartbeat's own `seq` moves to `agent_seq`: both have one. */
export function toLine(
  message: Readonly<Record<string, unknown>>,
  seq: number,
  fence: number,
): Record<string, unknown> {
  if (!Object.hasOwn(message, "seq")) return { ...message, seq, fence };
  const { seq: own, ...rest } = message;
  return { ...rest, agent_seq: own, seq, fence };
}

/** The message of a line, as it was before {@link toLine}. */
export function toMessage(line: Readonly<Record<string, unknown>>, envelope: Envelope | undefined): Message {
  let plain = line;
  if (envelope !== undefined) {
    const { seq, fence: _fence, chain: _chain, agent_seq, ...rest } = line;
    if (agent_seq !== undefined) plain = { ...rest, seq: agent_seq };
    else plain = line["kind"] === "heartbeat" ? { ...rest, seq } : rest;
  }
  const parsed = messageSchema.safeParse(plain);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new LineError(`not a message: "$.${issue?.path.join(".") ?? ""}": ${issue?.message ?? "wrong"}`, {
    cause: parsed.error,
  });
}

/** Reads a line whole. */
export function toRecord(text: string, position: number): LedgerRecord {
  const line = parseLine(text);
  const envelope = envelopeOf(line);
  const message = toMessage(line, envelope);
  if (envelope === undefined) return { seq: position, fence: undefined, chain: undefined, message };
  if (envelope.seq !== position) {
    throw new LineError(`its seq is ${envelope.seq}: lines were removed, inserted or put in another order`);
  }
  return { seq: envelope.seq, fence: envelope.fence, chain: envelope.chain, message };
}
